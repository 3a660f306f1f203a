"""The tool room: database, vault, clock, mail, web edge. It knows nothing of patients."""
