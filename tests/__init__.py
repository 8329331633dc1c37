"""Tests that span packages."""
