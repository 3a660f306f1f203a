"""The log: entries and their revisions, appended, sealed, never changed."""
