"""Fetches records from their sources."""
