"""The chunk stage: a document in, chunks with exact spans out."""

from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar

from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ids import digest
from medkg_contracts.ir import SECTION_BREAK, Chunk, Document, Section, Span
from medkg_contracts.stages import StageContext

from .cutting import cut
from .settings import ChunkSettings
from .tokens import count_tokens

#: Part of every chunk's id. The first chunker went through Haystack and its chunks were these: with another name the
#: chunks of all documents would get other ids.
_CHUNKER = "haystack/1"


class SentenceChunkStage:
    """Cuts each section between sentences and table rows, in time that grows with the section's length.

    Every visible character of a section is in exactly one chunk; white space at a chunk's ends is left out.
    """

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("chunks",)

    def __init__(self, settings: ChunkSettings) -> None:
        self._max_tokens = settings.max_tokens
        self._chunker = f"{_CHUNKER}/{settings.max_tokens}"

    async def execute(self, ctx: StageContext, document: Document) -> list[Chunk]:  # noqa: ARG002
        """The document's chunks, in the order of its text.

        Raises:
            InvalidDocument: a table's span is not inside its section, or two tables overlap.
        """
        chunks: list[Chunk] = []
        offset = 0
        for section in document.sections:
            for span in self._spans(section):
                text = section.text[span.start : span.end]
                start, end = offset + span.start, offset + span.end
                chunks.append(
                    Chunk(
                        id=digest(document.id, self._chunker, start, end)[:32],
                        document_id=document.id,
                        document_title=document.title,
                        source=document.source,
                        section_id=section.id,
                        section_type=section.type,
                        section_title=section.title,
                        ordinal=len(chunks),
                        text=text,
                        span=Span(start=start, end=end),
                        token_count=count_tokens(text),
                    )
                )
            offset += len(section.text) + len(SECTION_BREAK)
        return chunks

    def _spans(self, section: Section) -> Iterator[Span]:
        """Where the section's chunks stand in the section's text."""
        for piece in cut(section.text, tables=_table_spans(section), max_tokens=self._max_tokens):
            text = section.text[piece.start : piece.end]
            if stripped := text.strip():
                start = piece.start + len(text) - len(text.lstrip())
                yield Span(start=start, end=start + len(stripped))


def _table_spans(section: Section) -> list[Span]:
    spans = sorted((table.span for table in section.tables), key=lambda span: (span.start, span.end))
    for span in spans:
        if span.end > len(section.text):
            raise InvalidDocument(
                f"section {section.id!r}: the table at {span.start}..{span.end} "
                f"is not inside the section's {len(section.text)} characters"
            )
    for one, other in pairwise(spans):
        if one.end > other.start:
            raise InvalidDocument(
                f"section {section.id!r}: the tables at {one.start}..{one.end} and {other.start}..{other.end} overlap"
            )
    return spans
