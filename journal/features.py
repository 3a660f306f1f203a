"""The features in their order: each may know only those before it."""

ORDER = (
    "audit", "accounts", "entries", "flags", "safety", "profiles", "checkins", "infusions", "questionnaires", "trends",
    "privacy", "pages", "demo",
)  # fmt: skip
