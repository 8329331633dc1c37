"""The router: decides each job's next topic."""
