"""Infusions, the plan of the next ones, and how each one was."""
