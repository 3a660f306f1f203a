"""A believable clinic, for trying out and for tests."""
