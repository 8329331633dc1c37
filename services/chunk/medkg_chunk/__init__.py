"""Cuts documents into chunks with exact spans."""
