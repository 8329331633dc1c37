"""Prometheus metrics of the router."""

from collections.abc import Mapping

from medkg_ledger import Pending
from prometheus_client import Counter, Gauge

_IGNORED = Counter("medkg_router_ignored_total", "Events that changed nothing", ["reason"])
_MOVED = Counter("medkg_router_moved_total", "Records that were written again, in their job's partition", ["topic"])
_PENDING = Gauge("stage_pending", "Requests for a stage's work that are not answered yet, to scale by", ["stage"])
_HELD = Gauge("medkg_stage_held", "Those of them that wait for credit", ["stage"])


def ignored(reason: str) -> None:
    """Count an event that changed nothing."""
    _IGNORED.labels(reason).inc()


def moved(topic: str) -> None:
    """Count a record that stood in another partition than its job's."""
    _MOVED.labels(topic).inc()


def pending(stages: Mapping[str, Pending]) -> None:
    """Show how much each stage service has to do; a stage that is not named has nothing."""
    _PENDING.clear()
    _HELD.clear()
    for stage, amount in stages.items():
        _PENDING.labels(stage).set(amount.flight + amount.held)
        _HELD.labels(stage).set(amount.held)
