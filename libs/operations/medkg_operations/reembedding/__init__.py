"""Moves a tenant's searches to another embedding model while they go on."""
