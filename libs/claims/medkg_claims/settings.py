"""By which language model texts are read, if by any."""

from typing import Annotated

from medkg_contracts.settings import Settings
from pydantic import Field


class LlmSettings(Settings):
    """How a language model reads claims.

    Attributes:
        extract_llm_url: the OpenAI-compatible endpoint, up to and including ``/v1``; "" is none: no model reads.
        extract_llm_model: what the endpoint calls it; None is the only model that it has.
        extract_llm_timeout_s: seconds that one request may take.
        extract_llm_max_tokens: that an answer may have; what is longer is cut, and what came before the cut counts.
        extract_llm_concurrency: requests at once, of each document that is read.
        extract_llm_chunks: so many chunks of a document are read, at most.
    """

    extract_llm_url: str = ""
    extract_llm_model: Annotated[str | None, Field(min_length=1)] = None
    extract_llm_timeout_s: Annotated[float, Field(gt=0, le=600)] = 120.0
    extract_llm_max_tokens: Annotated[int, Field(ge=64, le=32_768)] = 1536
    extract_llm_concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    extract_llm_chunks: Annotated[int, Field(ge=1, le=10_000)] = 64
