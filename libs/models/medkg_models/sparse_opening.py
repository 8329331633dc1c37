"""The sparse encoder that the settings ask for: in this process, or vLLM's."""

import asyncio
from pathlib import Path
from typing import Annotated, Final, Literal

from medkg_contracts.settings import Settings
from pydantic import Field

from .catalogue import DEFAULT_SPARSE, SparsePackagedModel, named
from .fetching import fetched, sha256_of
from .sparse import SparseEncoder
from .sparse_text import SparseVocabulary
from .sparse_vllm import RemoteSplade
from .tokenizer import damaged

#: What vLLM is asked for where nothing else is chosen: a BERT of 110 million parameters, under the Apache licence.
DEFAULT_SERVED: Final = "prithivida/Splade_PP_en_v2"


class SparseSettings(Settings):
    """How texts become weights of terms.

    Attributes:
        splade_model: of the catalogue, or what vLLM calls it; None is the accelerator's own default.
        splade_top_k: a text keeps at most so many terms, the heaviest.
        splade_url: the vLLM server, where MK_ACCELERATOR is ``cuda``.
        splade_tokenizer: the served model's ``tokenizer.json``; None is that of ``bert-base-uncased``, which most have.
        splade_batch_tokens: so many tokens, padding included, are computed and answered together at most.
        splade_timeout_s: seconds that a request to vLLM may take.
    """

    splade_model: Annotated[str | None, Field(min_length=1)] = None
    splade_top_k: Annotated[int, Field(ge=1, le=4096)] = 128
    splade_url: str = "http://127.0.0.1:8001"
    splade_tokenizer: Path | None = None
    splade_batch_tokens: Annotated[int, Field(ge=512, le=1_000_000)] = 8192
    splade_timeout_s: Annotated[float, Field(gt=0, le=600)] = 60.0


async def open_sparse(settings: SparseSettings, accelerator: Literal["cuda", "cpu"]) -> SparseEncoder:
    """An encoder that is ready; it has to be closed.

    Raises:
        ConfigurationError: there is no such model, or what is served is not what the settings say.
        ResourceUnavailable: vLLM does not answer, or a model could not be fetched.
    """
    if accelerator == "cpu":
        return await asyncio.to_thread(_local, settings)
    return await _remote(settings)


def _local(settings: SparseSettings) -> SparseEncoder:
    from .sparse_local import LocalSplade  # noqa: PLC0415 - OpenVINO, which whoever asks a server need not have

    model = named(settings.splade_model or DEFAULT_SPARSE, SparsePackagedModel)
    folder = fetched(model)
    for file in model.files:
        if sha256_of(folder / file.name) != file.sha256:
            raise damaged(folder / file.name)
    return SparseEncoder(
        model.sparse_model,
        SparseVocabulary(folder / model.tokenizer.name, model.max_tokens),
        LocalSplade(folder / "config.json", folder / model.weights.name),
        top_k=settings.splade_top_k,
        batch_tokens=settings.splade_batch_tokens,
    )


async def _remote(settings: SparseSettings) -> SparseEncoder:
    packaged = named(DEFAULT_SPARSE, SparsePackagedModel)
    tokenizer = settings.splade_tokenizer or await asyncio.to_thread(fetched, packaged) / packaged.tokenizer.name
    name = settings.splade_model or DEFAULT_SERVED
    served = RemoteSplade(settings.splade_url, name, timeout_s=settings.splade_timeout_s)
    try:
        model, max_tokens = await served.served()
        vocabulary = SparseVocabulary(tokenizer, max_tokens)
        await served.check(vocabulary)
    except BaseException:
        await served.close()
        raise
    return SparseEncoder(
        model, vocabulary, served, top_k=settings.splade_top_k, batch_tokens=settings.splade_batch_tokens
    )
