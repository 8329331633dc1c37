"""Readers of vocabularies' own formats; which one a file has, its content says."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from medkg_contracts.errors import InvalidInput

from medkg_vocabulary.term import Term

from .graph_json import read_graph_json
from .mesh_xml import read_mesh_xml
from .obo import read_obo
from .opening import opened
from .owl import ROOT, read_owl
from .tsv import read_tsv
from .xml import root_of


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file does not say of itself.

    Attributes:
        prefix: of ids that have none.
        category: Biolink's, of terms whose place says nothing of it.
    """

    prefix: str
    category: str


Reader = Callable[[Path, Reading], Iterator[Term]]

FORMATS: Final[Mapping[str, Reader]] = {
    "obo": read_obo,
    "json": read_graph_json,
    "owl": read_owl,
    "mesh-xml": read_mesh_xml,
    "tsv": read_tsv,
}
_HEAD: Final = 65_536
_OBO: Final = re.compile(rb"^(format-version:|\[(Term|Typedef|Instance)\])", re.MULTILINE)
_ROOTS: Final = {"DescriptorRecordSet": "mesh-xml", "SupplementalRecordSet": "mesh-xml", ROOT: "owl"}


def format_of(path: Path) -> str:
    """The format that a file's content has.

    Raises:
        InvalidInput: none that is known.
    """
    with opened(path) as content:
        head = content.read(_HEAD).removeprefix(b"\xef\xbb\xbf").lstrip(b" \r\n")
    if head.startswith(b"<"):
        return _xml(path)
    if _OBO.search(head):
        return "obo"
    if head.startswith((b"{", b"[")):
        return "json"
    if b"\t" in head.partition(b"\n")[0]:
        return "tsv"
    raise InvalidInput(
        f"{path.name} has none of the formats {', '.join(FORMATS)}",
        remedy="Convert it to one of them; an ontology by `robot convert --input FILE --output FILE.obo`.",
    )


def _xml(path: Path) -> str:
    root = root_of(path)
    if (name := _ROOTS.get(root)) is None:
        raise InvalidInput(
            f"{path.name} is XML, but neither MeSH's nor OWL as RDF/XML: its root is {root}",
            remedy="Convert an ontology by `robot convert --input FILE --output FILE.obo`; "
            "of MeSH take desc*.xml or supp*.xml.",
        )
    return name
