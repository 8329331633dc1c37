"""MeSH's descriptors and supplementary concepts as XML (https://www.nlm.nih.gov/mesh/xml_data_elements.html)."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from medkg_contracts.errors import InvalidInput

from medkg_vocabulary.mesh import category_of
from medkg_vocabulary.prefixes import curie
from medkg_vocabulary.term import Synonym, Term

from .xml import records

if TYPE_CHECKING:
    from . import Reading

#: By element: those of its identifier and of its name.
_RECORDS = {
    "DescriptorRecord": ("DescriptorUI", "DescriptorName/String"),
    "SupplementalRecord": ("SupplementalRecordUI", "SupplementalRecordName/String"),
}


def read_mesh_xml(path: Path, reading: "Reading") -> Iterator[Term]:
    """The terms of a file; a descriptor's parents are those above it in the trees, which `compiled` ties.

    Raises:
        InvalidInput: it is no XML, an XML that asks for entities, or a record has no id or no name.
    """
    for number, element in enumerate(records(path), 1):
        if element.tag in _RECORDS:
            yield _term(element, reading, f"{path.name}: record {number}")


def _term(record: Element, reading: "Reading", where: str) -> Term:
    ui, name = (record.findtext(path, "").strip() for path in _RECORDS[record.tag])
    if not (ui and name):
        raise InvalidInput(f"{where} has no {'name' if ui else 'id'}", remedy="Fetch the file again.")
    trees = [tree.text or "" for tree in record.iterfind("TreeNumberList/TreeNumber")]
    mapped = (each.text or "" for each in record.iterfind("HeadingMappedToList/*/DescriptorReferredTo/DescriptorUI"))
    names = dict.fromkeys(term.text or "" for term in record.iterfind("ConceptList/Concept/TermList/Term/String"))
    return Term(
        id=curie("MESH", ui),
        name=name,
        category=category_of(trees) or reading.category,
        synonyms=tuple(Synonym(text) for text in names if text and text != name),
        parents=(*(f"tree:{tree}" for tree in trees), *(curie("MESH", each.lstrip("*")) for each in mapped if each)),
    )
