"""A stage that takes its time."""
