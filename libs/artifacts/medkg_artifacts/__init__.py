"""The artifact store: content-addressed claim checks."""
