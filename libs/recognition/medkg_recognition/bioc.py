"""Annotated texts in BioC's XML or JSON (https://bioc.sourceforge.net).

The library `bioc` is not used: it reads entities of XML, by which a file of others may name any file of this machine.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

import orjson
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse
from medkg_contracts.errors import InvalidInput

from .corpus import Abstract, Gold, ids_of

#: What files call an annotation's id.
_IDS: Final = ("identifier", "MESH", "mesh", "Identifier", "id")


def read_bioc(path: Path) -> Iterator[Abstract]:
    """The documents of a file, in its order.

    Raises:
        InvalidInput: it is none of BioC's, or an annotation is not what stands at its place.
    """
    documents = _of_json(path) if path.suffix == ".json" else _of_xml(path)
    try:
        for document in documents:
            yield _abstract(document, path.name)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(f"{path.name} is no BioC: {error!r}", remedy="Name a file of BioC's JSON or XML.") from error


def _of_json(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        collection = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{path.name} is no JSON: {error}") from error
    yield from collection["documents"]


def _of_xml(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        # BioC's files name its document type, which is not fetched; entities are what is refused.
        for _, element in iterparse(path, forbid_dtd=False, forbid_entities=True, forbid_external=True):
            if element.tag == "document":
                yield _document(element)
                element.clear()
    except ParseError as error:
        raise InvalidInput(f"{path.name}:{error.position[0]} is no XML: {error}") from error
    except DefusedXmlException as error:
        raise InvalidInput(f"{path.name} declares entities, which are not read: {error}") from error


def _document(element: Element) -> dict[str, Any]:
    """As BioC's JSON has it."""
    return {"id": element.findtext("id", ""), "passages": [_passage(each) for each in element.iter("passage")]}


def _passage(element: Element) -> dict[str, Any]:
    sentences = element.findall("sentence")
    return {
        "offset": int(element.findtext("offset", "0")),
        "text": element.findtext("text"),
        "sentences": [
            {"offset": int(each.findtext("offset", "0")), "text": each.findtext("text")} for each in sentences
        ],
        "annotations": [_annotation(each) for each in element.iter("annotation")],
    }


def _annotation(element: Element) -> dict[str, Any]:
    return {
        "infons": {infon.get("key"): infon.text for infon in element.findall("infon")},
        "text": element.findtext("text"),
        "locations": [
            {name: int(place.get(name, "")) for name in ("offset", "length")} for place in element.findall("location")
        ],
    }


def _abstract(document: Mapping[str, Any], file: str) -> Abstract:
    """Its passages, each where it says that it begins, with white space between."""
    text = ""
    mentions: list[Gold] = []
    for passage in document["passages"]:
        parts = [passage] if passage.get("text") else passage.get("sentences") or []
        for part in parts:
            text = text.ljust(part["offset"])[: part["offset"]] + (part.get("text") or "")
        own = [each for part in passage.get("sentences") or () for each in part.get("annotations") or ()]
        where = f"{file}: document {document['id']}"
        annotations = (*(passage.get("annotations") or ()), *own)
        mentions += [_mention(each, text, where) for each in annotations if each["locations"]]
    return Abstract(str(document["id"]), text, tuple(mentions))


def _mention(annotation: Mapping[str, Any], text: str, where: str) -> Gold:
    """One that is in several pieces reaches from the first to the last."""
    places = [(place["offset"], place["offset"] + place["length"]) for place in annotation["locations"]]
    start, end = min(low for low, _ in places), max(high for _, high in places)
    said = annotation.get("text") or text[start:end]
    if len(places) == 1 and text[start:end] != said:
        raise InvalidInput(
            f"{where}: {said!r} does not stand at {start}..{end}, where {text[start:end]!r} stands",
            remedy="Check that offsets count characters, and from the document's beginning.",
        )
    infons = annotation["infons"]
    given = next((infons[name] for name in _IDS if infons.get(name)), "-1")
    return Gold(start, end, text[start:end], infons.get("type", ""), ids_of(given))
