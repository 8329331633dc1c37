"""The state of every job, in Redis."""
