"""Texts become weights of terms, by the real model in this process."""

from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio
from medkg_contracts.errors import ConfigurationError
from medkg_models.catalogue import DEFAULT_SPARSE, SparsePackagedModel, named
from medkg_models.fetching import fetched
from medkg_models.sparse import SparseEncoder
from medkg_models.sparse_local import LocalSplade
from medkg_models.sparse_opening import SparseSettings, open_sparse

from .bert_reference import checkpoint, splade

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = named(DEFAULT_SPARSE, SparsePackagedModel)
TEXTS = (
    "Dapagliflozin reduced admissions for heart failure (HFrEF) by 26 % in PARAGON-HF.",
    "Fever.",
    "IL-6 and β-blockers, p<0.05; " * 9,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def encoder() -> AsyncIterator[SparseEncoder]:
    """The packaged model, with the default settings."""
    opened = await open_sparse(SparseSettings(), "cpu")
    yield opened
    await opened.close()


async def test_the_graph_computes_what_the_papers_say(encoder: SparseEncoder) -> None:
    """For several texts in a padded batch the graph's weights are those of a reference computation, to 1e-5."""
    folder = fetched(MODEL)
    windows = encoder.vocabulary.windows(TEXTS)
    local = LocalSplade(folder / "config.json", folder / "model.safetensors")
    tensors = checkpoint(folder / "model.safetensors")

    expected = [splade(tensors, window.ids, heads=2) for window in windows]
    actual = np.zeros((len(windows), len(encoder.vocabulary.terms)), np.float32)
    for row, (numbers, weights) in zip(actual, await local.weights(windows), strict=True):
        row[numbers] = weights
    await local.close()

    assert 1e-5 > np.abs(np.stack(expected) - actual).max()


async def test_a_text_is_the_same_whatever_it_is_encoded_with(encoder: SparseEncoder) -> None:
    """Neither its mates nor their order change a bit of a text's weights."""
    alone = [(await encoder.encode([text]))[0] for text in TEXTS]

    assert alone == await encoder.encode(TEXTS)
    assert alone[::-1] == await encoder.encode(TEXTS[::-1])


async def test_terms_are_the_vocabularys_the_heaviest_first(encoder: SparseEncoder) -> None:
    """All weights are positive and fall, and no term is one that stands for no text."""
    for weights in await encoder.encode(TEXTS):
        values = list(weights.values())

        assert sorted(values, reverse=True) == values
        assert 0 < values[-1]
        assert set(weights) <= set(encoder.vocabulary.terms) - {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}


async def test_a_text_is_about_its_words_and_related_ones(encoder: SparseEncoder) -> None:
    """A query's terms are its own words and others that it does not say."""
    weights = await encoder.encode_query("fever in children")

    assert {"fever", "children", "child"} <= set(weights)


async def test_nothing_of_a_long_text_is_lost(encoder: SparseEncoder) -> None:
    """What only the end of a text says, far behind what the model takes at once, is among its terms."""
    (weights,) = await encoder.encode(["The endpoint was survival. " * 300 + "Insulin was given."])

    assert "insulin" in weights


async def test_a_text_without_words_has_no_terms(encoder: SparseEncoder) -> None:
    """White space alone is about nothing."""
    assert [{}, {}] == await encoder.encode(["", " \n "])


async def test_no_texts_are_no_vectors(encoder: SparseEncoder) -> None:
    """Nothing in, nothing out."""
    assert [] == await encoder.encode([])


async def test_a_model_that_is_not_in_the_catalogue_is_refused() -> None:
    """In this process only a sparse model of the catalogue can be run."""
    with pytest.raises(ConfigurationError, match="bge-small"):
        await open_sparse(SparseSettings(splade_model="bge-small-en-v1.5"), "cpu")
