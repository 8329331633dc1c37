"""Which records a query names: they are what it is about, whatever the arms that know no names think. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, Protocol

#: What OpenSearch calls the clause that matches a document's id, acronym or title.
KNOWN_AS: Final = "known_as"


class Matched(Protocol):
    """A record, and which of an arm's clauses it has matched."""

    @property
    def record_id(self) -> str:
        """Its id."""
        ...

    @property
    def document_id(self) -> str:
        """The document that it is of."""
        ...

    @property
    def clauses(self) -> Collection[str]:
        """`KNOWN_AS`, and names of the query."""
        ...


def naming_clauses(fields: Sequence[str], words: Iterable[str]) -> list[dict[str, Any]]:
    """Clauses that say which of these names a record has in these fields, and add nothing to its score."""
    return [
        {
            "constant_score": {
                "filter": {"multi_match": {"query": word, "type": "best_fields", "fields": list(fields)}},
                "boost": 0.0,
                "_name": word,
            }
        }
        for word in words
    ]


def named_records(found: Iterable[Matched]) -> frozenset[str]:
    """The records of what a query names: of documents that are known as it says, and with a name that only one has.

    Args:
        found: by the arm of words.
    """
    named: set[str] = set()
    having: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for each in found:
        for clause in each.clauses:
            if clause == KNOWN_AS:
                named.add(each.record_id)
            else:
                having[clause][each.document_id].add(each.record_id)
    for documents in having.values():
        if len(documents) == 1:
            named |= next(iter(documents.values()))
    return frozenset(named)
