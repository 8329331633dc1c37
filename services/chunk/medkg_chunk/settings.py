"""The chunk stage's settings."""

from typing import Annotated

from medkg_contracts.settings import Settings
from pydantic import Field


class ChunkSettings(Settings):
    """How documents are cut.

    Attributes:
        max_tokens: no chunk has more of the chunker's tokens. A model that takes 512 word pieces takes 256 of these.
    """

    max_tokens: Annotated[int, Field(ge=16, le=8192, validation_alias="MK_CHUNK_MAX_TOKENS")] = 256
