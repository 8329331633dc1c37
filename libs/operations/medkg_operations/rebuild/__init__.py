"""The ledger, filled again from Kafka."""

from .rebuild import Progress, RebuildReport, rebuild

__all__ = ["Progress", "RebuildReport", "rebuild"]
