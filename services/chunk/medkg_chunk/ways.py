"""The ways to cut a document, but for the one that needs embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from medkg_contracts.ir import Span

from .cutting import Piece, filled, pieces
from .tokens import Measure
from .units import Unit, units

#: The first chunker went through Haystack and its chunks were these: with another name the chunks of all documents
#: would get other ids.
_SENTENCES: Final = "haystack/1"


class Text(NamedTuple):
    """A section's text, and where it has tables."""

    text: str
    tables: Sequence[Span]


class Way(Protocol):
    """A way to cut a document.

    Attributes:
        label: what the ids of all chunks that are cut so have in common.
    """

    @property
    def label(self) -> str: ...  # noqa: D102

    async def cut(self, sections: Sequence[Text]) -> Sequence[Sequence[Piece]]:
        """What becomes of each section, in its own positions."""
        ...


@dataclass(frozen=True, slots=True)
class Bound:
    """The most tokens of a chunk.

    Attributes:
        tokens: with those that a reader adds.
        measure: of the tokens.
    """

    tokens: int
    measure: Measure

    @property
    def own(self) -> int:
        """The most tokens without those that a reader adds."""
        return self.tokens - self.measure.added

    @property
    def label(self) -> str:
        """What distinguishes it from others in chunks' ids."""
        return f"{self.tokens}/{self.measure.name}" if self.measure.name else str(self.tokens)

    def units(self, section: Text) -> list[Unit]:
        """The section's units, each within the bound."""
        return units(section.text, tables=section.tables, measure=self.measure, bound=self.own)


@dataclass(frozen=True, slots=True)
class BySentences:
    """Fills chunks with whole sentences and rows of tables."""

    bound: Bound

    @property
    def label(self) -> str:  # noqa: D102
        return f"{_SENTENCES}/{self.bound.label}"

    async def cut(self, sections: Sequence[Text]) -> Sequence[Sequence[Piece]]:  # noqa: D102
        return [_filled(section.text, self.bound.units(section), self.bound) for section in sections]


@dataclass(frozen=True, slots=True)
class BySection:
    """Makes one chunk of a short section, and cuts the others as `BySentences` does.

    Attributes:
        whole: the most tokens of a section that is one chunk.
    """

    bound: Bound
    whole: Bound

    @property
    def label(self) -> str:  # noqa: D102
        return f"section/1/{self.bound.tokens}/{self.whole.label}"

    async def cut(self, sections: Sequence[Text]) -> Sequence[Sequence[Piece]]:  # noqa: D102
        return [self._cut(section) for section in sections]

    def _cut(self, section: Text) -> list[Piece]:
        found = self.bound.units(section)
        is_short = sum(unit.size for unit in found) <= self.whole.own
        return _filled(section.text, found, self.whole if is_short else self.bound)


def _filled(text: str, units: Sequence[Unit], bound: Bound) -> list[Piece]:
    return list(pieces(text, filled(units, bound.own), bound.measure, bound.own))
