"""The features in their order: each may know only those before it."""

ORDER = (
    "audit", "accounts", "factors", "entries", "shares", "flags", "safety", "profiles", "checkins", "infusions",
    "questionnaires", "trends", "summaries", "sharing", "links", "care", "reminders", "privacy", "pages", "demo",
)  # fmt: skip
