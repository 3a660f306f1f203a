"""Web push: notes in neutral words to the phones that a patient turned them on for, never in the quiet hours."""
