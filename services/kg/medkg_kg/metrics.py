"""Prometheus metrics of the KG stage."""

from collections.abc import Iterable

from medkg_contracts.knowledge import GraphReceipt
from prometheus_client import Counter

_DOCUMENTS = Counter("medkg_kg_documents_total", "Documents that came to the graph: written or superseded", ["outcome"])
_CLAIMS = Counter("medkg_kg_claims_total", "Claims of documents that were written: supported, or removed", ["change"])
_RETRIES = Counter("medkg_kg_transaction_retries_total", "Transactions that were begun again, as after a deadlock")


def written(receipts: Iterable[GraphReceipt]) -> None:
    """Count what a transaction has done."""
    for receipt in receipts:
        _DOCUMENTS.labels("superseded" if receipt.superseded else "written").inc()
        _CLAIMS.labels("supported").inc(receipt.edges)
        _CLAIMS.labels("removed").inc(receipt.removed)


def retried(times: int) -> None:
    """Count transactions that were begun again."""
    _RETRIES.inc(times)
