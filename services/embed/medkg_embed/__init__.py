"""Gives chunks their dense vectors."""
