"""The features in their order: each may know only those before it."""

ORDER = (
    "audit", "accounts", "factors", "app_lock", "entries", "clinics", "shares", "flags", "clinic_flags", "safety", "profiles",
    "checkins", "infusions", "questionnaires", "sync", "trends", "summaries", "sharing", "links", "care", "digests",
    "staff", "invitations", "push", "reminders", "privacy", "pages", "demo",
)  # fmt: skip
