"""Prometheus metrics of the router."""

from collections.abc import Mapping

from medkg_ledger import Pending
from prometheus_client import Counter, Gauge

_IGNORED = Counter("medkg_router_ignored_total", "Events that changed nothing", ["reason"])
_PENDING = Gauge("stage_pending", "Requests for a stage's work that are not answered yet, to scale by", ["stage"])
_HELD = Gauge("medkg_stage_held", "Those of them that wait for credit", ["stage"])


def ignored(reason: str) -> None:
    """Count an event that changed nothing."""
    _IGNORED.labels(reason).inc()


def pending(stages: Mapping[str, Pending]) -> None:
    """Show how much each stage service has to do; a stage that is not named has nothing."""
    _PENDING.clear()
    _HELD.clear()
    for stage, amount in stages.items():
        _PENDING.labels(stage).set(amount.flight + amount.held)
        _HELD.labels(stage).set(amount.held)
