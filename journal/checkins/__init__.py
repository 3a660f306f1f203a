"""The daily check-in: today, past days, further notes, changes with their history."""
