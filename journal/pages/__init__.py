"""Pages that belong to nobody in particular: the first one, the look, health."""
