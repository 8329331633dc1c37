"""What the arms that OpenSearch answers ask it: clauses that match and score. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from .expansion import Expanded, expansion_clauses
from .features import feature_weights
from .naming import KNOWN_AS, naming_clauses
from .syntax import SearchQuery

#: Terms of a sparse query that are looked for, the heaviest ones; those behind them add next to nothing.
SPARSE_TERMS: Final = 64

_PROSE: Final = ["text", "document_title^2", "section_title"]
_NAMES: Final = ["text.names", "document_title.names"]

_WORD: Final = re.compile(r"[^\s/,;:|=<>()\[\]{}\"]+")
_JOINED: Final = re.compile(r"\w[-\u2010\u2011\u2012\u2013\u2212+&]\w")
_LETTER: Final = re.compile(r"[^\W\d_]")
_DIGIT: Final = re.compile(r"\d")
#: How much, or how long, of something: 10-fold, 12-week.
_MEASURE: Final = re.compile(r"\d+(?:[.,]\d+)*-[^\W\d_]{3,}")
_IDENTIFIERS: Final = (
    re.compile(r"\b10\.\d{4,9}/[^\s\"<>]*[^\s\"<>.,;:)\]]"),  # a DOI
    re.compile(r"\b\d{4}-\d{6}-\d\d\b"),  # of EudraCT
    re.compile(r"\b[^\W\d_]+\d{4,}\b"),  # NCT02349698, PMC1234567, ISRCTN12345678
    re.compile(r"\b\d{6,9}\b"),  # of PubMed
    re.compile(r"\b[a-z][a-z0-9_-]*:[A-Za-z0-9]\S*"),  # a document's own: the source's name, and the id there
)
#: OpenSearch counts clauses: so many names and identifiers of a query are looked for as such.
_MAX_NAMES: Final = 32

#: Where the whole of a name stands its parts stand too, one or more of them as rare as it is: it is worth two of them.
_NAME: Final = 2.0
#: Two words with a hyphen (low-dose) are written without it as often: together they are worth a little more than apart.
_COMPOUND: Final = 0.5
#: Any word may be a name that is written with a hyphen elsewhere; this finds it where nothing else does.
_ANY: Final = 0.1
#: Above what the words of a query come to: a document that is asked for by its id, acronym or title is the first.
_KNOWN_AS: Final = 100.0


def bm25_clause(query: SearchQuery, expanded: Sequence[Expanded] = ()) -> dict[str, Any]:
    """Matches the query's words, as one field made of the text and the titles, and its names and identifiers.

    A query that has only fields, or exclusions, matches everything with one score. The clauses that have names say
    which records the query names; see `medkg_search.naming`.

    Args:
        query: what was asked.
        expanded: what else its words may be called.
    """
    text = " ".join(query.words.split())
    if not text:
        return {"match_all": {}}
    should: list[dict[str, Any]] = [
        {"combined_fields": {"query": text, "fields": _PROSE}},
        _named(text, _ANY),
        *(
            _named(" ".join(words), boost)
            for words, boost in ((names(text), _NAME), (compounds(text), _COMPOUND))
            if words
        ),
        *naming_clauses(_NAMES, names(text) or _lone_word(text)),
        {
            "constant_score": {
                "filter": {"terms": {"known_as": [text, *identifiers(text)]}},
                "boost": _KNOWN_AS,
                "_name": KNOWN_AS,
            }
        },
        *expansion_clauses(expanded),
    ]
    return {"bool": {"should": should, "minimum_should_match": 1}}


def splade_clause(weights: Mapping[str, float]) -> dict[str, Any] | None:
    """Scores a record by the dot product of its sparse vector with the query's; None for a query without terms.

    Args:
        weights: of the query's terms, above 0.
    """
    heaviest = sorted(feature_weights(weights).items(), key=lambda term: (-term[1], term[0]))[:SPARSE_TERMS]
    if not heaviest:
        return None
    should = [
        {"rank_feature": {"field": f"sparse.{feature}", "linear": {}, "boost": weight}} for feature, weight in heaviest
    ]
    return {"bool": {"should": should, "minimum_should_match": 1}}


def names(text: str) -> list[str]:
    """The words that look like a name: letters with digits (IL-6, BRCA1), or a hyphen and capitals (PARAGON-HF)."""
    found = (word for word in _words(text) if _is_name(word))
    return list(found)[:_MAX_NAMES]


def compounds(text: str) -> list[str]:
    """The other words that have a hyphen in them."""
    found = (word for word in _words(text) if _JOINED.search(word) and not _is_name(word))
    return list(found)[:_MAX_NAMES]


def identifiers(text: str) -> list[str]:
    """The words that identify a study or an article: NCT numbers, PMIDs, DOIs, a document's own id."""
    found = (word for pattern in _IDENTIFIERS for word in pattern.findall(text))
    return list(dict.fromkeys(found))[:_MAX_NAMES]


def _lone_word(text: str) -> list[str]:
    """The word of a query of one word: whoever types nothing else may mean a name, in whichever letters."""
    return [text] if len(text.split()) == 1 else []


def _words(text: str) -> dict[str, None]:
    return dict.fromkeys(word.strip(".!?'\u2019") for word in _WORD.findall(text))


def _is_name(word: str) -> bool:
    if _LETTER.search(word) is None or _MEASURE.fullmatch(word):
        return False
    return bool(_DIGIT.search(word)) or (bool(_JOINED.search(word)) and sum(letter.isupper() for letter in word) > 1)


def _named(text: str, boost: float) -> dict[str, Any]:
    return {"multi_match": {"query": text, "type": "best_fields", "fields": _NAMES, "boost": boost}}
