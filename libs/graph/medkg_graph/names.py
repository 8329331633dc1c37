"""How people call an entity: by its id, by a study's number, by its name. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from medkg_contracts.errors import InvalidRequest, NotFound

from .views import NodeView

#: Entities that are named where several were meant.
_NAMED: Final = 8
_LUCENE: Final = re.compile(r'([+\-!(){}\[\]^"~*?:\\/&|<>=])')
_STUDY: Final = re.compile(r"NCT\d{8}", re.IGNORECASE | re.ASCII)


def ids_of(text: str) -> list[str]:
    """The ids that a text may be: itself, and ``NCT01367860`` a study's."""
    said = text.strip()
    if _STUDY.fullmatch(said):
        return [f"CLINICALTRIALS:{said.upper()}"]
    prefix, colon, rest = said.partition(":")
    return [said, prefix.upper() + colon + rest] if colon and not prefix.isupper() else [said]


def words_of(tenant: str, text: str) -> str | None:
    """What Lucene is asked: names that have the text's words, of a tenant; None if it has none."""
    # In small letters, since AND, OR and NOT are no words to Lucene; the index has all in small letters.
    words = " ".join(_escaped(word) for word in text.casefold().split())
    return f'+tenant:"{_escaped(tenant)}" +(name:({words})^2 synonyms:({words}))' if words else None


def by_name(found: Sequence[NodeView], text: str) -> list[NodeView]:
    """Those that are called just so first, the best known before others; the others as they were found."""
    called = [node for node in found if _called(node, text)]
    others = [node for node in found if node not in called]
    return [*sorted(called, key=_rank), *others]


def meant(found: Sequence[NodeView], text: str, tenant: str) -> NodeView:
    """The entity that is called so: the only one that is as well known, or the only one that has these words.

    Raises:
        NotFound: there is none.
        InvalidRequest: several are; the message names them.
    """
    called = [node for node in found if _called(node, text)]
    first = min(map(_rank, called), default=0)
    candidates = [node for node in called if _rank(node) == first] or found
    if len(candidates) == 1:
        return candidates[0]
    if not found:
        raise NotFound(
            f"the graph of tenant {tenant!r} has no entity {text!r}",
            remedy="`medkg graph entity WORDS` finds entities by words of their names.",
        )
    names = "; ".join(f"{node.id} {node.name}" for node in candidates[:_NAMED])
    more = " and others" if len(candidates) > _NAMED else ""
    raise InvalidRequest(f"{text!r} may be {names}{more}", remedy="Name the one that is meant by its id.")


def _called(node: NodeView, text: str) -> bool:
    synonyms = node.attributes.get("synonyms", [])
    names = (node.name, *(synonyms if isinstance(synonyms, list) else ()))
    return " ".join(text.split()).casefold() in {" ".join(name.split()).casefold() for name in names}


def _rank(node: NodeView) -> int:
    """What a vocabulary has, or what is a whole study, before what only its name makes, before parts of studies."""
    if "#" in node.id:
        return 2
    return 1 if node.id.startswith("MEDKG:") else 0


def _escaped(word: str) -> str:
    return _LUCENE.sub(r"\\\1", word)
