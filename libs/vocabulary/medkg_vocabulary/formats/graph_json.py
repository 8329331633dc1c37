"""Ontologies as JSON: OBO Graphs (https://github.com/geneontology/obographs), or a plain list of terms."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from medkg_contracts.errors import InvalidInput

from medkg_vocabulary.prefixes import curie
from medkg_vocabulary.term import Scope, Synonym, Term

from .identifiers import id_of, xrefs_of
from .opening import LARGEST_WHOLE, opened

if TYPE_CHECKING:
    from . import Reading

_SCOPES: Final[Mapping[str, Scope]] = {
    "hasExactSynonym": "exact",
    "hasNarrowSynonym": "narrow",
    "hasBroadSynonym": "broad",
    "hasRelatedSynonym": "related",
}
_FORMER: Final = "http://www.geneontology.org/formats/oboInOwl#hasAlternativeId"


def read_graph_json(path: Path, reading: "Reading") -> Iterator[Term]:
    """The terms of a file, without those that are deprecated.

    Raises:
        InvalidInput: it is neither of the two.
    """
    try:
        with opened(path, LARGEST_WHOLE) as file:
            content = orjson.loads(file.read())
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{path.name}:{error.lineno} is no JSON: {error.msg}") from error
    if isinstance(content, dict) and isinstance(content.get("graphs"), list):
        for number, graph in enumerate(content["graphs"]):
            yield from _graph(graph, reading, f"{path.name}: /graphs/{number}")
    elif isinstance(content, list):
        for number, term in enumerate(content):
            with _at(f"{path.name}: /{number}"):
                if term.get("id") and term.get("name"):
                    yield _listed(term, reading)
    else:
        raise InvalidInput(
            f"{path.name} is neither an OBO Graph nor a list of terms",
            remedy="Convert it, for instance by `robot convert`, to OBO Graphs JSON or to OBO.",
        )


@contextmanager
def _at(where: str) -> Iterator[None]:
    """What is of another form than it should be is told with its place."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidInput(
            f"{where} is not of the form that its format has: {error!r}",
            remedy="See what made the file; `robot convert` makes OBO Graphs JSON.",
        ) from error


def _graph(graph: Mapping[str, Any], reading: "Reading", where: str) -> Iterator[Term]:
    parents: dict[str, list[str]] = defaultdict(list)
    with _at(f"{where}/edges"):
        for edge in graph.get("edges", ()):
            if edge.get("pred") == "is_a":
                parents[edge["sub"]].append(id_of(edge["obj"], reading.prefix))
    with _at(f"{where}/nodes"):
        nodes = list(graph.get("nodes", ()))
    for number, node in enumerate(nodes):
        with _at(f"{where}/nodes/{number}"):
            meta = node.get("meta", {})
            if node.get("type", "CLASS") == "CLASS" and node.get("lbl") and not meta.get("deprecated"):
                yield _node(node, meta, parents[node["id"]], reading)


def _node(node: Mapping[str, Any], meta: Mapping[str, Any], parents: list[str], reading: "Reading") -> Term:
    said = meta.get("basicPropertyValues", ())
    return Term(
        id=id_of(node["id"], reading.prefix),
        name=_text(node["lbl"]),
        category=reading.category,
        synonyms=tuple(
            Synonym(_text(each["val"]), _SCOPES.get(each["pred"], "related")) for each in meta.get("synonyms", ())
        ),
        parents=tuple(parents),
        xrefs=xrefs_of(each["val"] for each in meta.get("xrefs", ())),
        former=tuple(id_of(each["val"], reading.prefix) for each in said if each["pred"] == _FORMER),
    )


def _listed(term: Mapping[str, Any], reading: "Reading") -> Term:
    xrefs = term.get("xrefs") or ()
    return Term(
        id=id_of(term["id"], reading.prefix),
        name=_text(term["name"]),
        category=reading.category,
        synonyms=tuple(_synonym(each) for each in term.get("synonyms") or ()),
        parents=tuple(id_of(each, reading.prefix) for each in (term.get("relations") or {}).get("is_a", ())),
        xrefs=tuple(curie(each["namespace"], each["id"]) for each in xrefs if each.get("namespace") and each.get("id")),
        former=tuple(id_of(each, reading.prefix) for each in term.get("alt_ids") or ()),
    )


def _synonym(given: str | Mapping[str, str]) -> Synonym:
    if isinstance(given, str):
        return Synonym(given)
    scope = given.get("scope", "exact").lower()
    known: Scope = next((each for each in _SCOPES.values() if each == scope), "related")
    return Synonym(_text(given.get("value") or given["name"]), known)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
