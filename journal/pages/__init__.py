"""Pages that belong to nobody in particular: the first one, help, the look, health."""
