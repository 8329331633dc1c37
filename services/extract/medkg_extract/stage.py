"""The extract stage: what a document's record says, field by field."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

import orjson
from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ir import Chunk, Document, RawPayload
from medkg_contracts.knowledge import Claims, Entities, Entity, Extraction
from medkg_contracts.stages import StageContext

from . import ctgov
from .gathering import Gathering
from .record import Field
from .settings import ExtractSettings

#: What reads the records of a source.
Reader = Callable[[Document, Field], Gathering]

READERS: Final[Mapping[str, Reader]] = {"ctgov": ctgov.facts}


class ExtractStage:
    """Turns the fields of a source's record into entities and claims."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("entities", "claims")

    def __init__(self, settings: ExtractSettings) -> None:
        pass

    async def execute(
        self,
        ctx: StageContext,  # noqa: ARG002 - a record says the same to everybody
        payloads: list[RawPayload],
        document: Document,
        chunks: list[Chunk],  # noqa: ARG002 - for what reads text
    ) -> tuple[Entities, Claims]:
        """The entities and claims of a document; of a source whose records are not known, the document alone.

        Raises:
            InvalidDocument: its record is no JSON object.
        """
        reader = READERS.get(document.source)
        payload = next((each for each in payloads if each.sha256 == document.provenance.sha256), None)
        if reader is None or payload is None or payload.media_type != "application/json":
            gathering = Gathering(document.id, _unknown(document))
        else:
            gathering = reader(document, _read(payload))
        return gathering.results(Extraction(version=self.version))


def _read(payload: RawPayload) -> Field:
    try:
        record = orjson.loads(payload.body)
    except orjson.JSONDecodeError as error:
        raise InvalidDocument(f"the payload {payload.uri} is no JSON: {error}") from error
    return Field(record, "", payload.sha256)


def _unknown(document: Document) -> Entity:
    return Entity(id=f"MEDKG:{document.id}", category="biolink:Publication", name=document.title or document.id)
