"""The same stages, topologies and decisions in one process, without Kafka or Redis."""

from .run import DirectRun, Listener, Resolver

__all__ = ["DirectRun", "Listener", "Resolver"]
