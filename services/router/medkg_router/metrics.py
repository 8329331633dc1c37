"""Prometheus metrics of the router."""

from prometheus_client import Counter

_IGNORED = Counter("medkg_router_ignored_total", "Events that changed nothing", ["reason"])


def ignored(reason: str) -> None:
    """Count an event that changed nothing."""
    _IGNORED.labels(reason).inc()
