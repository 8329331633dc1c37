"""Embeddings as an artifact: the safetensors format, as its own library writes and reads it."""

import json

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.vectors import EmbeddingModel, Embeddings

MODEL = EmbeddingModel(name="tiny", revision="a" * 64, dimension=3)
MATRIX = np.array([[1, 2, 3], [4, 5, 6]], "<f4")
EMBEDDINGS = Embeddings(MODEL, ("one", "two"), MATRIX.tobytes(), {"two": 700})


def test_what_is_written_is_read() -> None:
    """A file holds model, chunks, numbers and what was cut off."""
    found = Embeddings.decode(EMBEDDINGS.encode())

    assert (MODEL, ("one", "two"), {"two": 700}) == (found.model, found.chunk_ids, found.truncated)
    assert MATRIX.tolist() == np.frombuffer(found.rows, "<f4").reshape(-1, 3).tolist()


def test_safetensors_own_library_reads_it() -> None:
    """The file is one of the format, so that anybody's tools read it."""
    found = safetensors.numpy.load(EMBEDDINGS.encode())

    assert MATRIX.tolist() == found["embeddings"].tolist()


def test_what_safetensors_own_library_writes_is_read() -> None:
    """A file of another writer with the same tensor and metadata is the same."""
    about = {"medkg": json.dumps({"model": MODEL.model_dump(), "chunk_ids": ["one", "two"]})}
    found = Embeddings.decode(safetensors.numpy.save({"embeddings": MATRIX}, about))

    assert (("one", "two"), MATRIX.tobytes()) == (found.chunk_ids, bytes(found.rows))


def test_the_numbers_are_a_view_of_the_file() -> None:
    """Reading copies no number, and they begin at a multiple of 8 bytes."""
    body = EMBEDDINGS.encode()
    found = np.frombuffer(Embeddings.decode(body).rows, "<f4")
    whole = np.frombuffer(body, "u1")

    assert np.shares_memory(found, whole)
    assert 0 == (len(body) - found.nbytes) % 8


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "too short"),
        (b"\xff" * 8 + b"{}", "its head would have"),
        ((5).to_bytes(8, "little") + b"{nope", "no safetensors file"),
        ((2).to_bytes(8, "little") + b"[]", "no JSON object"),
        ((2).to_bytes(8, "little") + b"{}", "no 'medkg'"),
        (EMBEDDINGS.encode() + b"1234", "that fills it"),
        (EMBEDDINGS.encode()[:-4], "that fills it"),
        (safetensors.numpy.save({"embeddings": MATRIX}), "no 'medkg'"),
        (safetensors.numpy.save({"embeddings": MATRIX}, {"medkg": "{}"}), "Field required"),
    ],
)
def test_what_is_none_is_refused(body: bytes, reason: str) -> None:
    """A file that is cut off, another one, or one of other numbers is refused with its reason."""
    with pytest.raises(ValueError, match=reason):
        Embeddings.decode(body)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    """Whatever the bytes are, they are read or refused."""
    with pytest.raises(ValueError, match="safetensors"):
        Embeddings.decode(body)


def test_rows_of_another_length_are_not_written() -> None:
    """As many rows as chunks, each as long as the model says."""
    with pytest.raises(ValueError, match="20 bytes of rows, not 24"):
        Embeddings(MODEL, ("one", "two"), bytes(20)).encode()
