"""How many hits have which value of a facet. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from medkg_contracts.model import Contract

#: The facets that are counted by value.
TERMS: Final = ("source", "section_type", "status", "phase", "mesh")
#: The facet that is counted by year.
YEARS: Final = "date"
#: Values of one facet, the most frequent.
MAX_VALUES: Final = 20
_MOST_YEARS: Final = 200

_DOCUMENTS: Final = {"documents": {"cardinality": {"field": "document_id"}}}


class FacetCount(Contract):
    """How often a value occurs among the hits.

    Attributes:
        value: as a filter takes it.
        chunks: hits that have it.
        documents: that these hits are of; nearly exact where there are thousands.
    """

    value: str
    chunks: int
    documents: int


def count_aggregations() -> dict[str, Any]:
    """What a search body asks for under ``aggs``, beside the query whose hits are counted."""
    terms = {field: {"terms": {"field": field, "size": MAX_VALUES}, "aggs": _DOCUMENTS} for field in TERMS}
    by_year = {"field": YEARS, "calendar_interval": "year", "format": "yyyy", "min_doc_count": 1}
    return terms | {YEARS: {"date_histogram": by_year, "aggs": _DOCUMENTS}}


def read_counts(answer: Mapping[str, Any]) -> dict[str, list[FacetCount]]:
    """The counts of each facet: the most frequent values first, years from the last to the first."""
    counts = {
        field: [
            FacetCount(
                value=str(bucket.get("key_as_string", bucket["key"])),
                chunks=bucket["doc_count"],
                documents=bucket["documents"]["value"],
            )
            for bucket in found["buckets"]
        ]
        for field, found in answer["aggregations"].items()
    }
    counts[YEARS] = counts[YEARS][::-1][:_MOST_YEARS]
    return counts
