"""The clinic's desk: its staff, its settings, and the names of its patients. Nothing that a patient wrote comes here."""
