"""XML of others: read as it comes, and never with entities, by which a few bytes become gigabytes, or other files."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse
from medkg_contracts.errors import InvalidInput

from .opening import opened


def records(path: Path) -> Iterator[Element]:
    """The elements right below the root, one after the other; each is gone when the next one comes.

    Raises:
        InvalidInput: it is no XML, or an XML that asks for entities.
    """
    depth = 0
    root: Element | None = None
    for event, element in _events(path):
        if event == "start":
            root = element if root is None else root
            depth += 1
            continue
        depth -= 1
        if depth == 1 and root is not None:
            yield element
            root.clear()


def root_of(path: Path) -> str:
    """The name of the root, with its namespace in braces.

    Raises:
        InvalidInput: as of `records`.
    """
    _, root = next(_events(path))
    return root.tag


def _events(path: Path) -> Iterator[tuple[str, Element]]:
    try:
        with opened(path) as content:
            # A document type declaration is what every file of MeSH begins with; entities are what is refused.
            yield from iterparse(
                content, events=("start", "end"), forbid_dtd=False, forbid_entities=True, forbid_external=True
            )
    except ParseError as error:
        raise InvalidInput(f"{path.name}:{error.position[0]} is no XML: {error}") from error
    except DefusedXmlException as error:
        raise InvalidInput(
            f"{path.name} declares entities, which are not read: {error}",
            remedy="Have it written without them; an ontology by `robot convert --input FILE --output FILE.obo`.",
        ) from error
