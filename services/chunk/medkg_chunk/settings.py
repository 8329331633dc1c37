"""The chunk stage's settings."""

from typing import Annotated

from medkg_contracts.settings import Settings
from pydantic import Field

from .options import MaxTokens, Options, SectionTokens, Strategy


class ChunkSettings(Settings):
    """How documents are cut where their topology says nothing else; see `Options`."""

    strategy: Annotated[Strategy, Field(validation_alias="MK_CHUNK_STRATEGY")] = "sentences"
    max_tokens: Annotated[MaxTokens, Field(validation_alias="MK_CHUNK_MAX_TOKENS")] = 256
    section_tokens: Annotated[SectionTokens, Field(validation_alias="MK_CHUNK_SECTION_TOKENS")] = None

    @property
    def options(self) -> Options:
        """The same as a topology says it."""
        return Options(**self.model_dump(include=set(Options.model_fields)))
