"""Ontologies in OWL, as RDF/XML: the classes, with what OBO's ontologies and SKOS say of them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element

from medkg_vocabulary.term import Scope, Synonym, Term

from .identifiers import id_of, xrefs_of
from .xml import records

if TYPE_CHECKING:
    from . import Reading

_RDF: Final = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_RDFS: Final = "{http://www.w3.org/2000/01/rdf-schema#}"
_OWL: Final = "{http://www.w3.org/2002/07/owl#}"
_OBO: Final = "{http://www.geneontology.org/formats/oboInOwl#}"
_SKOS: Final = "{http://www.w3.org/2004/02/skos/core#}"
_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
ROOT: Final = f"{_RDF}RDF"
_SCOPES: Final[Mapping[str, Scope]] = {
    f"{_OBO}hasExactSynonym": "exact",
    f"{_SKOS}altLabel": "exact",
    f"{_OBO}hasNarrowSynonym": "narrow",
    f"{_OBO}hasBroadSynonym": "broad",
    f"{_OBO}hasRelatedSynonym": "related",
}


def read_owl(path: Path, reading: "Reading") -> Iterator[Term]:
    """The classes of a file that have a name, without those that are deprecated; of names, those in English.

    Raises:
        InvalidInput: it is no XML, or an XML that asks for entities.
    """
    for element in records(path):
        iri = element.get(f"{_RDF}about", "")
        if element.tag != f"{_OWL}Class" or not iri or _texts(element, f"{_OWL}deprecated") == ["true"]:
            continue
        if names := _texts(element, f"{_RDFS}label") or _texts(element, f"{_SKOS}prefLabel"):
            yield _term(element, iri, names, reading)


def _term(element: Element, iri: str, names: list[str], reading: "Reading") -> Term:
    above = (each.get(f"{_RDF}resource", "") for each in element.iterfind(f"{_RDFS}subClassOf"))
    others = [Synonym(text, scope) for tag, scope in _SCOPES.items() for text in _texts(element, tag)]
    return Term(
        id=id_of(iri, reading.prefix),
        name=names[0],
        category=reading.category,
        synonyms=(*(Synonym(text) for text in names[1:]), *others),
        parents=tuple(id_of(each, reading.prefix) for each in above if each),
        xrefs=xrefs_of(_texts(element, f"{_OBO}hasDbXref")),
        former=tuple(id_of(each, reading.prefix) for each in _texts(element, f"{_OBO}hasAlternativeId")),
    )


def _texts(element: Element, tag: str) -> list[str]:
    """What is said by this property, in English or in no language."""
    said = (each for each in element.iterfind(tag) if each.get(_LANGUAGE, "en").lower().split("-")[0] == "en")
    return [text for each in said if (text := (each.text or "").strip())]
