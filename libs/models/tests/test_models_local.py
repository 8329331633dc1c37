"""The catalogue's dense models, run in this process: the real ones."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from medkg_contracts.errors import ConfigurationError, InputTooLong
from medkg_models import DEFAULT_DENSE, DenseModel, ModelTokenizer, named
from medkg_models import local as local_module
from medkg_models.local import LocalEncoder

BGE = named(DEFAULT_DENSE, DenseModel)

TEXTS = [
    "Sacubitril-valsartan reduced heart failure hospitalisation in PARAGON-HF.",
    "Metformin lowers fasting glucose.",
    "Neprilysin inhibition in heart failure with preserved ejection fraction, a randomised trial. " * 6,
]


@pytest.fixture(scope="module")
def encoder() -> Iterator[LocalEncoder]:
    encoder = LocalEncoder(BGE)
    asyncio.run(encoder.open())
    yield encoder
    asyncio.run(encoder.close())


async def test_what_is_alike_is_near(encoder: LocalEncoder) -> None:
    """Two texts on heart failure are nearer to each other than to one on diabetes; all vectors have the length 1."""
    vectors = await encoder.encode(TEXTS)

    near = vectors @ vectors.T
    assert near[0, 2] > near[0, 1]
    assert np.allclose(1.0, np.linalg.norm(vectors, axis=1), atol=1e-5)


@pytest.mark.parametrize(("name", "expected"), [("bge-small-en-v1.5", 0.69676), ("all-MiniLM-L6-v2", 0.19629)])
async def test_the_vectors_are_the_models(name: str, expected: float) -> None:
    """Two texts are as near as onnxruntime with 32 bits, this model's pooling and no padding has them."""
    encoder = LocalEncoder(named(name, DenseModel))
    await encoder.open()

    vectors = await encoder.encode(TEXTS[:2])
    await encoder.close()

    assert pytest.approx(expected, abs=2e-3) == float(vectors[0] @ vectors[1])


async def test_company_changes_nothing(encoder: LocalEncoder) -> None:
    """A text's vector is the same to the last bit, alone and among others, in whatever order."""
    together = await encoder.encode([*TEXTS, *reversed(TEXTS)])
    alone = [await encoder.encode([text]) for text in TEXTS]

    assert [vector.tobytes() for vector in alone] == [together[position].tobytes() for position in range(3)]
    assert together[:3].tobytes() == together[:2:-1].tobytes()


async def test_a_query_has_its_instruction(encoder: LocalEncoder) -> None:
    """A query's vector is that of a passage that begins with the model's instruction."""
    query = await encoder.encode_query("heart failure")

    passage = await encoder.encode([BGE.query_instruction + "heart failure"])
    assert query.tobytes() == passage[0].tobytes()


async def test_a_text_that_is_too_long_is_refused_alone(encoder: LocalEncoder) -> None:
    """It has an error that says how long it is; the others have their vectors."""
    encoded = await encoder.encode_each(["heart " * 600, TEXTS[1]])

    assert [0] == list(encoded.errors)
    assert isinstance(encoded.errors[0], InputTooLong)
    assert "602 tokens is longer than the 512" in str(encoded.errors[0])
    assert np.allclose(1.0, np.linalg.norm(encoded.vectors[1]), atol=1e-5)


async def test_a_text_that_is_too_long_is_cut_where_that_is_wanted(encoder: LocalEncoder) -> None:
    """Its vector is that of its beginning, and how long it was is told."""
    encoded = await encoder.encode_each(["heart " * 600], truncate=True)

    beginning = await encoder.encode(["heart " * 510])
    assert {0: 602} == encoded.truncated
    assert encoded.vectors[0].tobytes() == beginning[0].tobytes()


async def test_no_text_has_no_vector(encoder: LocalEncoder) -> None:
    """Nothing to encode gives no rows."""
    assert (0, 384) == (await encoder.encode([])).shape


async def test_the_event_loop_goes_on(encoder: LocalEncoder) -> None:
    """While a model computes, other coroutines are served."""
    turns = 0
    working = asyncio.ensure_future(encoder.encode(TEXTS * 4))
    while not working.done():
        turns += 1
        await asyncio.sleep(0)

    assert turns > 100


async def test_what_precedes_passages_is_part_of_the_revision() -> None:
    """Vectors with an instruction for passages are another model's."""
    plain, instructed = LocalEncoder(BGE), LocalEncoder(BGE, passage_instruction="passage: ")

    assert BGE.embedding_model == plain.model
    assert plain.model.revision != instructed.model.revision


async def test_changed_weights_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is not the catalogue's any more is not loaded."""
    (tmp_path / BGE.weights.name).write_bytes(b"half a download")
    monkeypatch.setattr(local_module, "fetched", lambda _: tmp_path)

    with pytest.raises(ConfigurationError, match="has been changed"):
        await LocalEncoder(BGE).open()


def test_tokens_stand_where_they_are_said_to() -> None:
    """Offsets are in characters of the text, also behind what UTF-8 needs more bytes for."""
    tokenizer = ModelTokenizer.of(BGE)
    text = "β-blockers → IL-6"

    words = [text[start:end] for start, end in tokenizer.offsets(text)]
    assert ["β", "-", "block", "ers", "→", "il".upper(), "-", "6"] == words
    assert len(words) == tokenizer.count(text)


def test_a_cut_text_fills_the_model() -> None:
    """What is left has as many tokens as the model has room for; a short text is left as it is."""
    tokenizer = ModelTokenizer.of(BGE)

    assert 510 == tokenizer.room == tokenizer.count(tokenizer.cut("heart failure " * 400))
    assert "heart" == tokenizer.cut("heart")
