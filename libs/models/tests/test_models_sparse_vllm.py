"""A SPLADE model that vLLM serves is checked at the start, and asked for weights."""

import pytest
from medkg_contracts.errors import ConfigurationError, GpuOutOfMemory, MedkgError, ModelServerUnavailable
from medkg_models.catalogue import DEFAULT_SPARSE, SparsePackagedModel, named
from medkg_models.fetching import fetched
from medkg_models.sparse_opening import SparseSettings, open_sparse
from medkg_models.sparse_text import SparseVocabulary

from .fake_vllm import NAME, FakeVllm, serving


@pytest.fixture(scope="module")
def vocabulary() -> SparseVocabulary:
    """That of the packaged model, as the server's has to be."""
    model = named(DEFAULT_SPARSE, SparsePackagedModel)
    return SparseVocabulary(fetched(model) / model.tokenizer.name, model.max_tokens)


async def test_what_is_served_gives_the_weights(vocabulary: SparseVocabulary) -> None:
    """The weights that the server answers are those of their terms, without the ones that stand for no text."""
    with serving(FakeVllm(vocabulary)) as url:
        encoder = await open_sparse(SparseSettings(splade_url=url, splade_model=NAME), "cuda")
        weights = await encoder.encode(["fever", "", "insulin"])
        await encoder.close()

    numbers = {term: vocabulary.terms.index(term) for term in ("fever", "insulin")}
    assert [{"fever": numbers["fever"] % 10}, {}, {"insulin": numbers["insulin"] % 10}] == weights
    assert NAME == encoder.model.name


async def test_a_batch_that_the_gpu_has_no_memory_for_is_halved(vocabulary: SparseVocabulary) -> None:
    """What does not fit at once is asked for in halves, and the weights are the same."""
    texts = ["fever", "insulin", "survival", "tumour", "dose"]
    fakes = FakeVllm(vocabulary), FakeVllm(vocabulary, memory=2)
    found = []
    for fake in fakes:
        with serving(fake) as url:
            encoder = await open_sparse(SparseSettings(splade_url=url, splade_model=NAME), "cuda")
            found.append(await encoder.encode(texts))
            await encoder.close()

    assert found[0] == found[1]
    assert [[1, 5], [1, 5, 2, 3, 1, 2]] == [fake.batches for fake in fakes]


async def test_a_window_that_the_gpu_has_no_memory_for_fails(vocabulary: SparseVocabulary) -> None:
    """A single window for which there is no memory is an error of the GPU's."""
    with serving(FakeVllm(vocabulary, memory=0)) as url, pytest.raises(GpuOutOfMemory, match="Tried to allocate"):
        await open_sparse(SparseSettings(splade_url=url, splade_model=NAME), "cuda")


async def test_after_a_failure_the_server_may_have_another_model(vocabulary: SparseVocabulary) -> None:
    """A server that was away goes on with the same model, and is refused with another one under the same name."""
    fake = FakeVllm(vocabulary)
    with serving(fake) as url:
        encoder = await open_sparse(SparseSettings(splade_url=url, splade_model=NAME), "cuda")
        before = await encoder.encode(["fever"])
        fake.status = 503
        with pytest.raises(ModelServerUnavailable):
            await encoder.encode(["fever"])
        fake.status = 200
        assert before == await encoder.encode(["fever"])
        fake.status = 503
        with pytest.raises(ModelServerUnavailable):
            await encoder.encode(["fever"])
        fake.status, fake.root = 200, "/models/another"

        with pytest.raises(ConfigurationError, match="serves another a/splade than when"):
            await encoder.encode(["fever"])
        await encoder.close()


@pytest.mark.parametrize(
    ("changes", "model", "error", "message"),
    [
        ({}, "another", ConfigurationError, "serves not another, but a/splade"),
        ({"renamed": {"mg": "kg"}}, NAME, ConfigurationError, "another vocabulary than MK_SPLADE_TOKENIZER"),
        ({"width": 384}, NAME, ConfigurationError, "answers 384 numbers for a text"),
        ({"status": 503}, NAME, ModelServerUnavailable, "/v1/models answers 503"),
        ({"status": 401}, NAME, ConfigurationError, "/v1/models answers 401"),
    ],
)
async def test_a_server_that_is_not_what_the_settings_say_is_refused(
    vocabulary: SparseVocabulary, changes: dict[str, object], model: str, error: type[MedkgError], message: str
) -> None:
    """At the start it shows whether the server serves this model, with this vocabulary, as a sparse one."""
    with serving(FakeVllm(vocabulary, **changes)) as url, pytest.raises(error, match=message) as raised:
        await open_sparse(SparseSettings(splade_url=url, splade_model=model), "cuda")

    assert error is type(raised.value)


async def test_a_server_that_is_not_there_is_named() -> None:
    """Without a server the start fails with its address, and may succeed later."""
    with pytest.raises(ModelServerUnavailable, match=r"http://127\.0\.0\.1:9/v1/models does not answer") as raised:
        await open_sparse(SparseSettings(splade_url="http://127.0.0.1:9"), "cuda")

    assert "Check that the server of the model runs at MK_SPLADE_URL" in raised.value.info.remedy
