"""Ontologies as JSON: OBO Graphs (https://github.com/geneontology/obographs), or a plain list of terms."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import orjson
from medkg_contracts.errors import InvalidInput

from medkg_vocabulary.prefixes import curie, normalised
from medkg_vocabulary.term import Scope, Synonym, Term

if TYPE_CHECKING:
    from . import Reading

_PURL: Final = re.compile(r".*[/#]([A-Za-z]+)_([\w.-]+)$")
_SCOPES: Final[Mapping[str, Scope]] = {
    "hasExactSynonym": "exact",
    "hasNarrowSynonym": "narrow",
    "hasBroadSynonym": "broad",
    "hasRelatedSynonym": "related",
}


def read_graph_json(path: Path, reading: "Reading") -> Iterator[Term]:
    """The terms of a file, without those that are deprecated.

    Raises:
        InvalidInput: it is neither of the two.
    """
    try:
        content = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{path.name} is no JSON: {error}") from error
    if isinstance(content, dict) and isinstance(content.get("graphs"), list):
        for graph in content["graphs"]:
            yield from _graph(graph, reading)
    elif isinstance(content, list):
        yield from (_listed(term, reading) for term in content if term.get("id") and term.get("name"))
    else:
        raise InvalidInput(
            f"{path.name} is neither an OBO Graph nor a list of terms",
            remedy="Convert it, for instance by `robot convert`, to OBO Graphs JSON or to OBO.",
        )


def _graph(graph: Mapping[str, Any], reading: "Reading") -> Iterator[Term]:
    parents: dict[str, list[str]] = defaultdict(list)
    for edge in graph.get("edges", ()):
        if edge.get("pred") == "is_a":
            parents[edge["sub"]].append(_of_iri(edge["obj"], reading))
    for node in graph.get("nodes", ()):
        meta = node.get("meta", {})
        if node.get("type", "CLASS") != "CLASS" or not node.get("lbl") or meta.get("deprecated"):
            continue
        yield Term(
            id=_of_iri(node["id"], reading),
            name=node["lbl"],
            category=reading.category,
            synonyms=tuple(
                Synonym(each["val"], _SCOPES.get(each["pred"], "related")) for each in meta.get("synonyms", ())
            ),
            parents=tuple(parents[node["id"]]),
            xrefs=tuple(normalised(each["val"]) for each in meta.get("xrefs", ()) if _is_curie(each["val"])),
        )


def _listed(term: Mapping[str, Any], reading: "Reading") -> Term:
    xrefs = term.get("xrefs") or ()
    return Term(
        id=_of_iri(term["id"], reading),
        name=term["name"],
        category=reading.category,
        synonyms=tuple(_synonym(each) for each in term.get("synonyms") or ()),
        parents=tuple(_of_iri(each, reading) for each in (term.get("relations") or {}).get("is_a", ())),
        xrefs=tuple(curie(each["namespace"], each["id"]) for each in xrefs if each.get("namespace") and each.get("id")),
        former=tuple(_of_iri(each, reading) for each in term.get("alt_ids") or ()),
    )


def _synonym(given: str | Mapping[str, str]) -> Synonym:
    if isinstance(given, str):
        return Synonym(given)
    return Synonym(given.get("value") or given.get("name", ""), cast("Scope", given.get("scope", "exact").lower()))


def _of_iri(text: str, reading: "Reading") -> str:
    """``http://purl.obolibrary.org/obo/DOID_4`` -> ``DOID:4``."""
    if (found := _PURL.match(text)) is not None:
        return curie(found[1], found[2])
    return normalised(text) if ":" in text else curie(reading.prefix, text)


def _is_curie(text: str) -> bool:
    return ":" in text and "/" not in text
