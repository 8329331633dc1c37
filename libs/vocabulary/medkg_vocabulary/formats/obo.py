"""OBO flat files (https://owlcollab.github.io/oboformat/doc/obo-syntax.html): stanzas of tags and values."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from medkg_vocabulary.prefixes import curie, normalised
from medkg_vocabulary.term import Scope, Synonym, Term

if TYPE_CHECKING:
    from . import Reading

_SYNONYM: Final = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(EXACT|NARROW|BROAD|RELATED)?')
_COMMENT: Final = re.compile(r"(?<!\\)\s*!.*$")
_ESCAPED: Final = re.compile(r"\\(.)")

Tags = Mapping[str, list[str]]


def read_obo(path: Path, reading: "Reading") -> Iterator[Term]:
    """The terms of a file, without those that are obsolete."""
    for kind, tags in _stanzas(path):
        if kind == "Term" and tags.get("id") and tags.get("name") and "true" not in tags.get("is_obsolete", ()):
            yield _term(tags, reading)


def _stanzas(path: Path) -> Iterator[tuple[str, Tags]]:
    kind, tags = "", defaultdict[str, list[str]](list)
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
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
        id=_id(tags["id"][0], reading),
        name=_plain(tags["name"][0]),
        category=reading.category,
        synonyms=tuple(synonym for value in tags.get("synonym", ()) if (synonym := _synonym(value)) is not None),
        parents=tuple(_id(_plain(value), reading) for value in tags.get("is_a", ())),
        xrefs=tuple(
            normalised(first) for value in tags.get("xref", ()) if ":" in (first := _plain(value).split(" ")[0])
        ),
        former=tuple(_id(_plain(value), reading) for value in tags.get("alt_id", ())),
    )


def _synonym(value: str) -> Synonym | None:
    found = _SYNONYM.match(value)
    if found is None:
        return None
    return Synonym(_ESCAPED.sub(r"\1", found[1]), cast("Scope", (found[2] or "RELATED").lower()))


def _plain(value: str) -> str:
    """A value without its comment, its modifiers and its escapes."""
    return _ESCAPED.sub(r"\1", _COMMENT.sub("", value).split(" {")[0]).strip()


def _id(text: str, reading: "Reading") -> str:
    return normalised(text) if ":" in text else curie(reading.prefix, text)
