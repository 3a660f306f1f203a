"""Who did what, when: one row for each act, kept apart from what was written."""
