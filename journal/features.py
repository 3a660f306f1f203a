"""The features in their order: each may know only those before it."""

ORDER = (
    "audit", "accounts", "factors", "entries", "clinics", "shares", "flags", "safety", "profiles", "checkins", "infusions",
    "questionnaires", "trends", "summaries", "sharing", "links", "care", "digests", "privacy", "pages", "demo",
)  # fmt: skip
