"""Reads raw payloads into documents."""
