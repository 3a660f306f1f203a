"""Flags as the clinic that follows a patient has them: delivered, mailed, acknowledged, closed."""
