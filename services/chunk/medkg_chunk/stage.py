"""The chunk stage: a document in, chunks with exact spans out."""

import asyncio
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import ClassVar

from haystack import Document as HaystackDocument
from haystack.components.preprocessors.document_splitter import DocumentSplitter
from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ids import digest
from medkg_contracts.ir import SECTION_BREAK, Chunk, Document, Section, Span
from medkg_contracts.stages import StageContext

from .cutting import cut
from .settings import ChunkSettings
from .tokens import count_tokens


class HaystackChunkStage:
    """Cuts each section by Haystack's `DocumentSplitter`, which is given this package's own cutting function.

    Every visible character of a section is in exactly one chunk; white space at a chunk's ends is left out.
    """

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("chunks",)

    def __init__(self, settings: ChunkSettings) -> None:
        self._max_tokens = settings.max_tokens
        self._chunker = f"haystack/{self.version}/{settings.max_tokens}"

    async def execute(self, ctx: StageContext, document: Document) -> list[Chunk]:  # noqa: ARG002
        """The document's chunks, in the order of its text.

        Raises:
            InvalidDocument: a table's span is not inside its section, or two tables overlap.
        """
        return await asyncio.to_thread(self._chunks, document)

    def _chunks(self, document: Document) -> list[Chunk]:
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
        if not section.text.strip():
            return
        # The function is all that a splitter in this mode takes from us, and it is given the text alone.
        cut_section = partial(cut, tables=_table_spans(section), max_tokens=self._max_tokens)
        splitter = DocumentSplitter(split_by="function", splitting_function=cut_section)
        for piece in splitter.run([HaystackDocument(content=section.text)])["documents"]:
            text: str = piece.content or ""
            start: int = piece.meta["split_idx_start"] + len(text) - len(text.lstrip())
            if stripped := text.strip():
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
