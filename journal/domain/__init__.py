"""The still room: what a clinician or a patient would argue about. No clock, no database, no web."""
