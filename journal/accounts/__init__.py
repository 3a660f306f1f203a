"""Accounts: signing up and in, sessions that live on the server, addresses proven by mail."""
