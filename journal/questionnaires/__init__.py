"""Questionnaires: filling one in question by question, its result, and when the next one is due."""
