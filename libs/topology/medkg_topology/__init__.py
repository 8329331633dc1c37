"""Topologies as data: models, compiler, plans, catalog."""
