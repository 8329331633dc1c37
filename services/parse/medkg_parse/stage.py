"""The stage that reads raw payloads into documents."""

import asyncio
from typing import ClassVar

from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ir import Document, RawPayload
from medkg_contracts.stages import StageContext

from .settings import ParseSettings
from .study import read_study


class CtgovParseStage:
    """Reads a ClinicalTrials.gov record into a document."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("document",)

    def __init__(self, settings: ParseSettings) -> None:
        self._settings = settings

    async def execute(self, ctx: StageContext, payloads: list[RawPayload]) -> Document:
        """The document of the job's one payload.

        Raises:
            InvalidDocument: there is not exactly one payload, or it is not the record of one study.
        """
        if len(payloads) != 1:
            raise InvalidDocument(f"{ctx.doc_id} has {len(payloads)} payloads; a study has exactly one")
        return await asyncio.to_thread(read_study, payloads[0])
