"""The stage that reads raw payloads into documents."""

from typing import ClassVar

from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ir import Document, RawPayload
from medkg_contracts.stages import StageContext

from .readers import read_payload
from .settings import ParseSettings


class ParseStage:
    """Reads a source's record into a document."""

    version: ClassVar[str] = "3"
    outputs: ClassVar[tuple[str, ...]] = ("document",)

    def __init__(self, settings: ParseSettings) -> None:
        self._settings = settings

    async def execute(self, ctx: StageContext, payloads: list[RawPayload]) -> Document:
        """The document of the job's one payload.

        Raises:
            InvalidDocument: there is not exactly one payload, or it is not a record that is known.
        """
        if len(payloads) != 1:
            raise InvalidDocument(f"{ctx.doc_id} has {len(payloads)} payloads; a record has exactly one")
        return read_payload(payloads[0])
