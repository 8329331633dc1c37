"""The extract stage: what a document's record says field by field, what its text names, what a model reads in it."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

import orjson
from medkg_artifacts import ArtifactStore
from medkg_claims import ClaimReader, StoredAnswers, prompt_digests
from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ids import digest
from medkg_contracts.ir import Chunk, Document, RawPayload
from medkg_contracts.knowledge import Claims, Entities, Entity, Extraction
from medkg_contracts.stages import StageContext

from . import ctgov, openalex
from .gathering import Gathering, node_of
from .recognition import ingredients, text_reader
from .record import Field
from .reported import reported
from .settings import ExtractSettings
from .text import TextReader

#: What reads the records of a source.
Reader = Callable[[Document, Field], Gathering]

#: The version of the extractors' rules.
RULES: Final = "4"

READERS: Final[Mapping[str, Reader]] = {"ctgov": ctgov.facts, "openalex": openalex.facts}


class ExtractStage:
    """Turns the fields of a source's record, and the names in a document's text, into entities and claims."""

    outputs: ClassVar[tuple[str, ...]] = ("entities", "claims")

    _text: TextReader | None = None
    _reader: ClaimReader | None = None

    def __init__(self, settings: ExtractSettings) -> None:
        self._settings = settings
        made_of = ingredients(settings)
        digests = dict(made_of.digests) if made_of else {}
        digests |= prompt_digests() if settings.extract_llm_url else {}
        self._extraction = Extraction(version=RULES, digests=digests)
        self._store = ArtifactStore.from_url(settings.artifacts_url)

    @property
    def version(self) -> str:
        """Of the rules and of all that takes part: with another model, or vocabulary, a run is another one."""
        return digest(RULES, *(f"{name}={value}" for name, value in sorted(self._extraction.digests.items())))[:12]

    async def open(self) -> None:
        """Make the recogniser, unless the process has it already, and see to it that the language model is served.

        Raises:
            ConfigurationError: there is no such model or vocabulary, or they do not belong together.
            ModelServerUnavailable: the language model's server does not answer.
        """
        self._text = text_reader(self._settings)
        if self._settings.extract_llm_url:
            self._reader = ClaimReader(self._settings.extract_llm_url, self._settings)
            await self._reader.open()
            digests = {**self._extraction.digests, **self._reader.digests}
            self._extraction = self._extraction.model_copy(update={"digests": digests})

    async def close(self) -> None:
        """Close the connections to the language model's server."""
        if self._reader is not None:
            await self._reader.close()

    async def execute(
        self,
        ctx: StageContext,
        payloads: list[RawPayload],
        document: Document,
        chunks: list[Chunk],
    ) -> tuple[Entities, Claims]:
        """The entities and claims of a document; of a source whose records are not known, those of its text alone.

        Raises:
            InvalidDocument: its record is no JSON object.
            ModelServerUnavailable: the language model's server does not answer.
        """
        gathering = _of_record(payloads, document)
        if self._text is not None:
            self._text.read(document, gathering)
        if self._reader is not None:
            reported(await self._reader.read(chunks, StoredAnswers(self._store, ctx.tenant_id)), gathering)
        return gathering.results(self._extraction, chunks)


def _of_record(payloads: list[RawPayload], document: Document) -> Gathering:
    """What the record says, if what reads it is known; else the document alone."""
    reader = READERS.get(document.source)
    payload = next((each for each in payloads if each.sha256 == document.provenance.sha256), None)
    if reader is None or payload is None or payload.media_type != "application/json":
        return Gathering(document.id, _unknown(document))
    return reader(document, _read(payload))


def _read(payload: RawPayload) -> Field:
    try:
        record = orjson.loads(payload.body)
    except orjson.JSONDecodeError as error:
        raise InvalidDocument(f"the payload {payload.uri} is no JSON: {error}") from error
    return Field(record, "", payload.sha256)


def _unknown(document: Document) -> Entity:
    return Entity(id=node_of(document.id), category="biolink:Publication", name=document.title or document.id)
