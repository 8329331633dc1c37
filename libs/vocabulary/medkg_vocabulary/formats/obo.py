"""OBO flat files (https://owlcollab.github.io/oboformat/doc/obo-syntax.html): stanzas of tags and values."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from medkg_vocabulary.term import Scope, Synonym, Term

from .identifiers import id_of, xrefs_of
from .opening import text_lines

if TYPE_CHECKING:
    from . import Reading

_SYNONYM: Final = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(EXACT|NARROW|BROAD|RELATED)?')
_COMMENT: Final = re.compile(r"(?<!\\)\s*!.*$")
_ESCAPED: Final = re.compile(r"\\(.)")

Tags = Mapping[str, list[str]]


def read_obo(path: Path, reading: "Reading") -> Iterator[Term]:
    """The terms of a file, without those that are obsolete.

    Raises:
        InvalidInput: it cannot be opened, or is no text.
    """
    for kind, tags in _stanzas(path):
        if kind == "Term" and tags.get("id") and tags.get("name") and "true" not in tags.get("is_obsolete", ()):
            yield _term(tags, reading)


def _stanzas(path: Path) -> Iterator[tuple[str, Tags]]:
    kind, tags = "", defaultdict[str, list[str]](list)
    for _, line in text_lines(path):
        text = line.strip()
        if text.startswith("[") and text.endswith("]"):
            yield kind, tags
            kind, tags = text[1:-1], defaultdict(list)
        elif ":" in text and not text.startswith("!"):
            tag, _, value = text.partition(":")
            tags[tag].append(value.strip())
    yield kind, tags


def _term(tags: Tags, reading: "Reading") -> Term:
    return Term(
        id=id_of(tags["id"][0], reading.prefix),
        name=_plain(tags["name"][0]),
        category=reading.category,
        synonyms=tuple(synonym for value in tags.get("synonym", ()) if (synonym := _synonym(value)) is not None),
        parents=tuple(id_of(_plain(value), reading.prefix) for value in tags.get("is_a", ())),
        xrefs=xrefs_of(_plain(value).split(" ")[0] for value in tags.get("xref", ())),
        former=tuple(id_of(_plain(value), reading.prefix) for value in tags.get("alt_id", ())),
    )


def _synonym(value: str) -> Synonym | None:
    found = _SYNONYM.match(value)
    if found is None:
        return None
    return Synonym(_ESCAPED.sub(r"\1", found[1]), cast("Scope", (found[2] or "RELATED").lower()))


def _plain(value: str) -> str:
    """A value without its comment, its modifiers and its escapes."""
    return _ESCAPED.sub(r"\1", _COMMENT.sub("", value).split(" {")[0]).strip()
