"""The search index: names, mapping, queries."""
