"""Writes chunks and their vectors to the search index."""
