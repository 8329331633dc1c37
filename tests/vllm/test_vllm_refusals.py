"""The real vLLM's refusals mean to our client what they are."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from medkg_contracts.errors import ConfigurationError, InputTooLong, OutOfMemory, ResourceUnavailable
from medkg_models.endpoint import EndpointEncoder
from medkg_models.model_server import ModelServer, ServerSettings

from .checkpoints import minilm
from .engine import serving
from .starving import starve

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(3000)]

LONG = "heart failure " * 600


async def test_a_text_that_is_too_long_is_told_from_other_errors(tmp_path: Path) -> None:
    """It fails alone, and is cut where that is wanted; a model that the server does not have is a wrong setting."""
    with serving(minilm(), tmp_path / "log") as url:
        encoder = EndpointEncoder(f"{url}/v1")
        await encoder.open()
        refused = await encoder.encode_each(["Fever.", LONG, "Cough."])
        cut = await encoder.encode_each([LONG], truncate=True)
        await encoder.close()
        server = ModelServer(url, 30, ServerSettings("MK_EMBED_URL", "MK_EMBED_MODEL"))
        with pytest.raises(ConfigurationError) as unknown:
            await server.ask("/v1/embeddings", {"model": "another", "input": ["Fever."]})
        await server.close()

    print(f"\ntoo long: {refused.errors[1]}\nunknown model: {unknown.value}\ncut: {cut.truncated}")
    assert {1: InputTooLong} == {position: type(error) for position, error in refused.errors.items()}
    assert ({0: 1202}, {}) == (cut.truncated, cut.errors)
    assert np.allclose(1, np.linalg.norm(np.stack([refused.vectors[0], cut.vectors[0]]), axis=1), atol=1e-5)


async def test_a_server_that_runs_out_of_memory_makes_no_vectors(tmp_path: Path) -> None:
    """What it cannot do for want of memory is an error that another try may mend, and never a wrong setting."""
    with serving(minilm(), tmp_path / "log") as url:
        encoder = EndpointEncoder(f"{url}/v1", timeout_s=60)
        await encoder.open()
        await asyncio.to_thread(starve, url)
        encoded = await encoder.encode_each([f"{number} {'heart failure ' * 120}" for number in range(256)])
        await encoder.close()
    said = (tmp_path / "log").read_text(errors="replace")

    first = encoded.errors[min(encoded.errors)]
    reasons = sorted({line.strip()[-200:] for line in said.splitlines() if "memory" in line.lower()})
    print(f"\nout of memory: {type(first).__name__}: {first}\n" + "\n".join(reasons[-5:]))
    assert all(isinstance(error, OutOfMemory | ResourceUnavailable) for error in encoded.errors.values())
    assert not encoded.vectors[list(encoded.errors)].any()
