"""XML as a tree, read without document types, entities or files, and within limits."""

from dataclasses import dataclass
from xml.parsers import expat

from medkg_contracts.errors import InvalidDocument

#: The most elements that are read.
MAX_ELEMENTS = 1_000_000


@dataclass(slots=True)
class Element:
    """An element; `text` has the pieces of its own text."""

    tag: str
    attributes: dict[str, str]
    children: list["Element"]
    text: list[str]


def parse_xml(body: str, max_depth: int) -> Element:
    """The root of the tree.

    Raises:
        InvalidDocument: it is not well formed, declares a document type, or passes a limit.
    """
    top = Element("", {}, [], [])
    open_ = [top]
    count = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(open_) > max_depth or count > MAX_ELEMENTS:
            raise InvalidDocument(f"the XML has more than {max_depth} levels or {MAX_ELEMENTS} elements")
        element = Element(tag, dict(attributes), [], [])
        open_[-1].children.append(element)
        open_.append(element)

    def end(_tag: str) -> None:
        open_.pop()

    def characters(text: str) -> None:
        open_[-1].text.append(text)

    def refuse(name: str, *_: object) -> None:
        what = "an HTML page" if name.lower() == "html" else f"XML that declares the document type {name[:60]!r}"
        raise InvalidDocument(f"the body is {what}, not a study's record")

    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise InvalidDocument(f"the body is not well-formed XML, perhaps an HTML page or truncated: {error}") from error
    return top.children[0]
