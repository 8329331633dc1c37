"""The chunk stage's settings."""

from typing import Annotated

from medkg_servicekit.accelerator import AcceleratedSettings, is_here
from pydantic import Field

from .options import BreakPercentile, MaxTokens, MinTokens, ModelName, Options, SectionTokens, Strategy


class ChunkSettings(AcceleratedSettings):
    """How documents are cut where their topology says nothing else; see `Options`.

    Attributes:
        embed_url: the OpenAI-compatible server that makes embeddings where MK_ACCELERATOR is ``cuda``, up to and
            including ``/v1``.
    """

    strategy: Annotated[Strategy, Field(validation_alias="MK_CHUNK_STRATEGY")] = "sentences"
    tokenizer: Annotated[ModelName, Field(validation_alias="MK_CHUNK_TOKENIZER")] = ""
    max_tokens: Annotated[MaxTokens, Field(validation_alias="MK_CHUNK_MAX_TOKENS")] = 256
    section_tokens: Annotated[SectionTokens, Field(validation_alias="MK_CHUNK_SECTION_TOKENS")] = None
    min_tokens: Annotated[MinTokens, Field(validation_alias="MK_CHUNK_MIN_TOKENS")] = None
    break_percentile: Annotated[BreakPercentile, Field(validation_alias="MK_CHUNK_BREAK_PERCENTILE")] = 10.0
    model: Annotated[ModelName, Field(validation_alias="MK_CHUNK_MODEL")] = ""
    embed_url: str = "http://127.0.0.1:8000/v1"

    @property
    def options(self) -> Options:
        """The same as a topology says it."""
        return Options(**self.model_dump(include=set(Options.model_fields)))

    def needs_gpu_here(self) -> bool:
        """Whether this machine has to have what MK_ACCELERATOR names; not where the endpoint is on another one."""
        return self.strategy == "semantic" and (self.accelerator == "cpu" or is_here(self.embed_url))
