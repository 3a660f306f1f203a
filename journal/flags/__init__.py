"""Flags: what was answered that needs somebody's attention, raised once per cause. What is in them is sealed."""
