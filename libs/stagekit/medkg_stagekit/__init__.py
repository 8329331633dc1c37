"""What runs a stage: consumption, artifacts, events, health."""
