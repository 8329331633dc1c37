"""Searches what was indexed: by words, by terms of a model and by meaning, fused."""
