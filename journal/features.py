"""The features in their order: each may know only those before it."""

ORDER = (
    "audit", "accounts", "factors", "entries", "flags", "safety", "profiles", "checkins", "infusions", "questionnaires",
    "trends", "pages", "demo",
)  # fmt: skip
