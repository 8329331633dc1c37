"""The extract stage: what a document is about and what it claims, each with its evidence."""
