"""The features in their order: each may know only those before it."""

ORDER = ("audit", "accounts", "entries", "profiles", "checkins", "infusions", "trends", "pages", "demo")
