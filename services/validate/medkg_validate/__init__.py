"""Checks documents against the rules of the intermediate representation."""
