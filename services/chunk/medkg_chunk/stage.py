"""The chunk stage: a document in, chunks with exact spans out."""

from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar

from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ids import digest
from medkg_contracts.ir import SECTION_BREAK, Chunk, Document, Section, Span
from medkg_contracts.stages import StageContext

from .cutting import Piece, filled, pieces
from .options import Options, chosen
from .settings import ChunkSettings
from .tokens import Measure, OwnTokens
from .units import units


class ChunkStage:
    """Cuts each section in the way that the topology or the settings ask for, in time that grows with its length.

    Every visible character of a section is in exactly one chunk; white space at a chunk's ends is left out.
    """

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("chunks",)
    options: ClassVar[tuple[str, ...]] = tuple(Options.model_fields)

    def __init__(self, settings: ChunkSettings) -> None:
        self._options = chosen(settings.options, {}, "").options

    async def execute(self, ctx: StageContext, document: Document) -> list[Chunk]:
        """The document's chunks, in the order of its text.

        Raises:
            ConfigurationError: the topology asks for what there is not; the message names the option.
            InvalidDocument: a table's span is not inside its section, or two tables overlap.
        """
        options = chosen(self._options, ctx.options, ctx.pipeline).options
        measure = OwnTokens()
        chunks: list[Chunk] = []
        offset = 0
        for section in document.sections:
            for piece in _pieces(section, options, measure):
                start, end = offset + piece.span.start, offset + piece.span.end
                chunks.append(
                    Chunk(
                        id=digest(document.id, options.label, start, end)[:32],
                        document_id=document.id,
                        document_title=document.title,
                        source=document.source,
                        section_id=section.id,
                        section_type=section.type,
                        section_title=section.title,
                        ordinal=len(chunks),
                        text=section.text[piece.span.start : piece.span.end],
                        span=Span(start=start, end=end),
                        token_count=piece.tokens,
                    )
                )
            offset += len(section.text) + len(SECTION_BREAK)
        return chunks


def _pieces(section: Section, options: Options, measure: Measure) -> Iterator[Piece]:
    """What becomes of a section, in its own positions."""
    bound = options.max_tokens
    parts = units(section.text, tables=_table_spans(section), measure=measure, bound=bound)
    if options.strategy == "section" and sum(unit.size for unit in parts) <= options.whole:
        bound = options.whole
    return pieces(section.text, filled(parts, bound), measure, bound)


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
