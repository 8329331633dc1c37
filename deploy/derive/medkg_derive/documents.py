"""The AsyncAPI documents of plain stages: those that take work from their queue, answer, and tell of it; no more."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from medkg_stagekit import StageService

from .members import Member

#: The first line of a document that is derived; one without it is written by hand.
HEADER: Final = "# derived from services/"
_TEMPLATE: Final = Path(__file__).with_name("stage.asyncapi.yaml")


def documents(members: Sequence[Member]) -> dict[str, str]:
    """The documents of the plain stages, by the services' names."""
    template = _TEMPLATE.read_text()
    return {member.name: _document(template, member) for member in members if is_plain(member)}


def is_plain(member: Member) -> bool:
    """Whether it serves one stage, and one that does not expand its request into others."""
    return len(member.stages) == 1 and not _expands(member.stages[0])


def _expands(stage: StageService) -> bool:
    return inspect.isasyncgenfunction(getattr(stage.stage, "execute", None))


def _document(template: str, member: Member) -> str:
    words = {
        "@name@": member.name,
        "@Name@": "".join(part.capitalize() for part in member.name.replace("_", "-").split("-")),
        "@description@": member.service.description,
    }
    for word, value in words.items():
        template = template.replace(word, value)
    return template
