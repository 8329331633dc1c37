"""Measures how good searches are, on a test collection whose answers are known."""
