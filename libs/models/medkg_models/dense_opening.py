"""The dense encoder that the settings ask for: in this process, or an endpoint's."""

from typing import Annotated, Literal

from medkg_contracts.settings import Settings
from pydantic import Field

from .catalogue import DEFAULT_DENSE, DenseModel, named
from .dense import DenseEncoder
from .endpoint import EndpointEncoder


class DenseSettings(Settings):
    """How texts become vectors.

    Attributes:
        embed_model: of the catalogue, or what the endpoint calls it; None is the default of the catalogue, or the only
            model that the endpoint has.
        embed_url: the OpenAI-compatible endpoint, where MK_ACCELERATOR is ``cuda``; up to and including ``/v1``.
        embed_dimension: that the endpoint's vectors are to have; None takes what it makes.
        embed_passage_instruction: precedes every passage; another one makes another model of it.
        embed_query_instruction: precedes every query; None is the catalogue's, and none for an endpoint.
        embed_batch_tokens: at most about so many tokens in a request to the endpoint.
        embed_timeout_s: seconds that such a request may take.
    """

    embed_model: Annotated[str | None, Field(min_length=1)] = None
    embed_url: str = "http://127.0.0.1:8000/v1"
    embed_dimension: Annotated[int | None, Field(ge=1, le=16_384)] = None
    embed_passage_instruction: str = ""
    embed_query_instruction: str | None = None
    embed_batch_tokens: Annotated[int, Field(ge=512, le=1_000_000)] = 16_384
    embed_timeout_s: Annotated[float, Field(gt=0, le=600)] = 30.0


async def open_dense(settings: DenseSettings, accelerator: Literal["cuda", "cpu"]) -> DenseEncoder:
    """An encoder that is ready; it has to be closed.

    Raises:
        ConfigurationError: there is no such model, or what is served is not what the settings say.
        ResourceUnavailable: the endpoint does not answer, or the model could not be fetched.
    """
    encoder = _local(settings) if accelerator == "cpu" else _remote(settings)
    try:
        await encoder.open()
    except BaseException:
        await encoder.close()
        raise
    return encoder


def _local(settings: DenseSettings) -> DenseEncoder:
    from .local import LocalEncoder  # noqa: PLC0415 - OpenVINO, which whoever asks a server need not have

    return LocalEncoder(
        named(settings.embed_model or DEFAULT_DENSE, DenseModel),
        passage_instruction=settings.embed_passage_instruction,
        query_instruction=settings.embed_query_instruction,
    )


def _remote(settings: DenseSettings) -> DenseEncoder:
    return EndpointEncoder(
        settings.embed_url,
        name=settings.embed_model,
        dimension=settings.embed_dimension,
        passage_instruction=settings.embed_passage_instruction,
        query_instruction=settings.embed_query_instruction or "",
        timeout_s=settings.embed_timeout_s,
        budget=settings.embed_batch_tokens,
    )
