"""How many chunks have which value of a facet. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from .hybrid import Facet, FacetCount

#: Values of one facet, the most frequent.
MAX_VALUES: Final = 20
_MOST_YEARS: Final = 200

_DOCUMENTS: Final = {"documents": {"cardinality": {"field": "document_id"}}}
_BY_YEAR: Final = {
    "date_histogram": {"field": Facet.DATE.value, "calendar_interval": "year", "format": "yyyy", "min_doc_count": 1}
}


def count_aggregations(facets: Sequence[Facet]) -> dict[str, Any]:
    """What a search body asks for under ``aggs``, beside the query whose hits are counted."""
    return {
        facet.value: (_BY_YEAR if facet is Facet.DATE else {"terms": {"field": facet.value, "size": MAX_VALUES}})
        | {"aggs": _DOCUMENTS}
        for facet in facets
    }


def read_counts(answer: Mapping[str, Any]) -> dict[Facet, list[FacetCount]]:
    """The counts of each facet: the most frequent values first, years from the last to the first."""
    counts = {
        Facet(field): [_count(bucket) for bucket in found["buckets"]] for field, found in answer["aggregations"].items()
    }
    if Facet.DATE in counts:
        counts[Facet.DATE] = counts[Facet.DATE][::-1][:_MOST_YEARS]
    return counts


def _count(bucket: Mapping[str, Any]) -> FacetCount:
    return FacetCount(
        value=str(bucket.get("key_as_string", bucket["key"])),
        chunks=bucket["doc_count"],
        documents=bucket["documents"]["value"],
    )
