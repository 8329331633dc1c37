"""Prometheus metrics of a search node's view."""

from prometheus_client import Counter, Gauge

POISON = Counter("medkg_view_poison_records_total", "Records of the vectors' changelog that a view left out")
LAG = Gauge("medkg_view_lag_records", "Records of the vectors' changelog that the view has yet to read; NaN if unknown")
CAUGHT_UP = Gauge("medkg_view_caught_up", "1 once the view has read what was written before the node started")
SNAPSHOTS = Counter("medkg_view_snapshots_total", "Snapshots of the view, by what became of them", ["outcome"])
