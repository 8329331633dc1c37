"""The chunk stage: a document in, chunks with exact spans out."""

from itertools import pairwise
from typing import ClassVar

from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ids import digest
from medkg_contracts.ir import SECTION_BREAK, Chunk, Document, Section, Span
from medkg_contracts.stages import StageContext

from .models import Models
from .options import Chosen, Options, chosen
from .settings import ChunkSettings
from .tokens import Measure, OwnTokens
from .ways import Bound, BySection, BySentences, Text, Way


class ChunkStage:
    """Cuts each section in the way that the topology or the settings ask for, in time that grows with its length.

    Every visible character of a section is in exactly one chunk; white space at a chunk's ends is left out.
    """

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("chunks",)
    options: ClassVar[tuple[str, ...]] = tuple(Options.model_fields)

    def __init__(self, settings: ChunkSettings, models: Models | None = None) -> None:
        self._settings = settings
        self._options = chosen(settings.options, {}, "").options
        self._models = models

    async def open(self) -> None:
        """Load what the settings need; what only a topology asks for is loaded when it does.

        Raises:
            MedkgError: it cannot be loaded.
        """
        await self._way(chosen(self._options, {}, ""))

    async def close(self) -> None:
        """Give back what the models hold."""
        if self._models is not None:
            await self._models.close()

    async def execute(self, ctx: StageContext, document: Document) -> list[Chunk]:
        """The document's chunks, in the order of its text.

        Raises:
            ConfigurationError: the topology asks for what there is not; the message names the option.
            InvalidDocument: a table's span is not inside its section, or two tables overlap.
        """
        way = await self._way(chosen(self._options, ctx.options, ctx.pipeline))
        sections = [Text(section.text, _table_spans(section)) for section in document.sections]
        chunks: list[Chunk] = []
        offset = 0
        for section, pieces in zip(document.sections, await way.cut(sections), strict=True):
            for piece in pieces:
                start, end = offset + piece.span.start, offset + piece.span.end
                chunks.append(
                    Chunk(
                        id=digest(document.id, way.label, start, end)[:32],
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
                        coherence=piece.coherence,
                    )
                )
            offset += len(section.text) + len(SECTION_BREAK)
        return chunks

    async def _way(self, found: Chosen) -> Way:
        options = found.options
        measure = self._measure(found)
        bound = Bound(options.max_tokens, measure)
        if options.strategy == "sentences":
            return BySentences(bound)
        if options.strategy == "section":
            whole = options.section_tokens or measure.limit or 3 * options.max_tokens // 2
            return BySection(bound, Bound(whole, measure))
        from .semantic import ByMeaning  # noqa: PLC0415 - it loads numpy

        models = self._needed()
        found.require_one_of("model", models.encoders)
        least = options.max_tokens // 4 if options.min_tokens is None else options.min_tokens
        return ByMeaning(bound, await models.encoder(options.model), least, options.break_percentile)

    def _measure(self, found: Chosen) -> Measure:
        if not found.options.tokenizer:
            return OwnTokens()
        models = self._needed()
        found.require_one_of("tokenizer", models.tokenizers)
        measure = models.measure(found.options.tokenizer)
        found.require_at_most("max_tokens", measure.limit)
        found.require_at_most("section_tokens", measure.limit)
        return measure

    def _needed(self) -> Models:
        if self._models is None:
            from .installed import InstalledModels  # noqa: PLC0415 - it loads the models' engine

            self._models = InstalledModels(self._settings)
        return self._models


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
