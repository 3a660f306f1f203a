"""Reminders to the patient: off until asked for, in neutral words, and paused by one tap."""
