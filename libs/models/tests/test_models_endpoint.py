"""Vectors from an OpenAI-compatible endpoint, which a server in this process plays."""

from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
from medkg_contracts.errors import ConfigurationError, GpuOutOfMemory, InputTooLong, ModelServerUnavailable
from medkg_models.batching import token_batches
from medkg_models.endpoint import EndpointEncoder
from medkg_models.testing import FakeVllm, fake_vllm

LONG = "word " * 20


@pytest.fixture
def server() -> Iterator[FakeVllm]:
    with fake_vllm() as server:
        yield server


@pytest.fixture
async def encoder(server: FakeVllm) -> AsyncIterator[EndpointEncoder]:
    encoder = EndpointEncoder(server.url, timeout_s=5, budget=64)
    await encoder.open()
    server.requests.clear()
    yield encoder
    await encoder.close()


def direction(server: FakeVllm, text: str) -> np.ndarray:
    vector = np.frombuffer(server.vector(text), "<f4")
    return vector / np.linalg.norm(vector)


async def test_each_text_has_its_own_vector(server: FakeVllm, encoder: EndpointEncoder) -> None:
    """The vectors are the server's, of length 1, in the order of the texts, whatever requests they came in."""
    texts = [f"text {'and more ' * (number % 4)}{number}" for number in range(40)]

    vectors = await encoder.encode(texts)

    assert len(server.requests) > 1
    assert np.allclose(vectors, [direction(server, text) for text in texts], atol=1e-6)


async def test_the_model_is_what_the_server_says(server: FakeVllm, encoder: EndpointEncoder) -> None:
    """Name and dimension are the server's; the revision changes with where the server has the model from."""
    server.root = "/models/another"
    other = EndpointEncoder(server.url)
    await other.open()

    assert (server.name, 8, True) == (encoder.model.name, encoder.model.dimension, encoder.model.normalised)
    assert encoder.model.revision != other.model.revision
    await other.close()


async def test_instructions_precede(server: FakeVllm) -> None:
    """A passage and a query are each preceded by their own instruction."""
    encoder = EndpointEncoder(server.url, passage_instruction="P: ", query_instruction="Q: ")
    await encoder.open()

    await encoder.encode(["one"])
    await encoder.encode_query("two")
    await encoder.close()

    assert ["P: one", "Q: two"] == server.texts[1:]


async def test_a_dead_server_is_said_to_be(server: FakeVllm, encoder: EndpointEncoder) -> None:
    """Nobody listening, and a server that says it cannot, are errors that another try may mend."""
    server.down = True
    encoded = await encoder.encode_each(["one"])

    assert isinstance(encoded.errors[0], ModelServerUnavailable)
    with pytest.raises(ModelServerUnavailable, match=r"http://127\.0\.0\.1:1/v1/models does not answer") as raised:
        await EndpointEncoder("http://127.0.0.1:1/v1").open()
    assert "Check that the server of the model runs at MK_EMBED_URL" in raised.value.info.remedy


async def test_a_server_that_comes_back_as_another_is_refused(server: FakeVllm, encoder: EndpointEncoder) -> None:
    """After a failure the model is compared, so that no vector goes under another model's name."""
    server.down = True
    await encoder.encode_each(["one"])
    server.down, server.root = False, "/models/another"

    with pytest.raises(ConfigurationError, match="serves another"):
        await encoder.encode(["one"])


async def test_a_text_that_is_too_long_fails_alone(encoder: EndpointEncoder) -> None:
    """Its neighbours in the request have their vectors."""
    encoded = await encoder.encode_each(["one", LONG, "two"])

    assert [1] == list(encoded.errors)
    assert isinstance(encoded.errors[1], InputTooLong)
    assert np.allclose([1, 0, 1], np.linalg.norm(encoded.vectors, axis=1))


async def test_a_text_that_is_too_long_is_cut_where_that_is_wanted(server: FakeVllm, encoder: EndpointEncoder) -> None:
    """The server cuts it, and how long it was is told."""
    encoded = await encoder.encode_each(["one", LONG], truncate=True)

    assert ({1: 20}, {}) == (encoded.truncated, encoded.errors)
    assert np.allclose(direction(server, LONG), encoded.vectors[1], atol=1e-6)


async def test_a_batch_that_does_not_fit_is_halved(server: FakeVllm, encoder: EndpointEncoder) -> None:
    """What is too much for the GPU's memory is asked for in smaller requests."""
    server.fits = 3

    vectors = await encoder.encode([f"t{number}" for number in range(8)])

    assert [8, 4, 2, 2, 4, 2, 2] == server.requests
    assert np.allclose(1, np.linalg.norm(vectors, axis=1))


async def test_memory_that_suffices_for_nothing_is_an_error(server: FakeVllm, encoder: EndpointEncoder) -> None:
    """A single text that does not fit fails, by name."""
    server.fits = 0

    encoded = await encoder.encode_each(["one", "two"])

    assert [GpuOutOfMemory, GpuOutOfMemory] == [type(encoded.errors[each]) for each in (0, 1)]


@pytest.mark.parametrize(
    ("options", "said"),
    [({"dimension": 384}, "vectors of 8 numbers, not of 384"), ({"name": "bge"}, "serves not bge, but Qwen/")],
)
async def test_another_model_than_wanted_is_refused_at_the_start(server: FakeVllm, options: dict, said: str) -> None:
    """A wrong dimension and a missing model are errors of the settings."""
    encoder = EndpointEncoder(server.url, **options)

    with pytest.raises(ConfigurationError, match=said):
        await encoder.open()
    await encoder.close()


async def test_another_dimension_later_is_refused(server: FakeVllm, encoder: EndpointEncoder) -> None:
    """A vector of another length than the model's is never taken."""
    server.dimension = 4

    with pytest.raises(ConfigurationError, match="vectors of 4 numbers, not of 8"):
        await encoder.encode(["one"])


def test_batches_are_of_like_length_and_within_the_budget() -> None:
    """The longest go first; padded to its longest, no batch has more than the budget; what is longer goes alone."""
    assert [[2], [0, 4], [1, 3]] == token_batches([5, 2, 30, 2, 4], 10)
