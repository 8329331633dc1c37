"""Serves recorded answers of real sources at their own paths."""
