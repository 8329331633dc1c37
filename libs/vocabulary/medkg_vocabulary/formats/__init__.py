"""Readers of vocabularies' own formats; which one a file has, its name and its beginning say."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from medkg_contracts.errors import ConfigurationError

from medkg_vocabulary.term import Term

from .graph_json import read_graph_json
from .mesh_xml import read_mesh_xml
from .obo import read_obo
from .tsv import read_tsv


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
    "mesh-xml": read_mesh_xml,
    "tsv": read_tsv,
}
_SUFFIXES: Final = {".obo": "obo", ".json": "json", ".xml": "mesh-xml", ".tsv": "tsv", ".txt": "tsv"}


def format_of(path: Path) -> str:
    """The format that a file's name says.

    Raises:
        ConfigurationError: it says none.
    """
    if (name := _SUFFIXES.get(path.suffix)) is None:
        raise ConfigurationError(
            f"what format {path.name} has does not show in its name", remedy=f"Name it: {', '.join(FORMATS)}."
        )
    return name
