"""Writes chunks to the search index."""
