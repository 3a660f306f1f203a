"""Shares: who may see what of whose journal, from when to when, until when. The doors to it are in sharing and care."""
