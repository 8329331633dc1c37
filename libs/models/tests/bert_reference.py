"""BERT and SPLADE's head as their papers have them, in numpy and 64 bits: what the graph is compared with."""

import struct
from collections.abc import Sequence
from math import erf, sqrt
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

Array = NDArray[np.float64]
_erf = np.vectorize(erf)


def checkpoint(path: Path) -> dict[str, Array]:
    """The tensors of a safetensors file."""
    body = path.read_bytes()
    (length,) = struct.unpack_from("<Q", body)
    tensors = {}
    for name, about in orjson.loads(body[8 : 8 + length]).items():
        if name != "__metadata__":
            start, stop = (8 + length + each for each in about["data_offsets"])
            tensors[name] = np.frombuffer(body[start:stop], "<f4").reshape(about["shape"]).astype(np.float64)
    return tensors


def splade(tensors: dict[str, Array], ids: Sequence[int], heads: int) -> Array:
    """Each term's weight for one text's tokens."""

    def dense(of: Array, name: str) -> Array:
        return of @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]

    def normal(of: Array, name: str) -> Array:
        centred = of - of.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * tensors[f"{name}.gamma"] + tensors[f"{name}.beta"]

    def gelu(of: Array) -> Array:
        return of * (1 + _erf(of / sqrt(2))) / 2

    words = tensors["bert.embeddings.word_embeddings.weight"]
    positions = tensors["bert.embeddings.position_embeddings.weight"][: len(ids)]
    segment = tensors["bert.embeddings.token_type_embeddings.weight"][0]
    hidden = normal(words[list(ids)] + positions + segment, "bert.embeddings.LayerNorm")
    layer = 0
    while f"bert.encoder.layer.{layer}.output.dense.weight" in tensors:
        name = f"bert.encoder.layer.{layer}"
        query, key, value = (
            np.stack(np.split(dense(hidden, f"{name}.attention.self.{part}"), heads, axis=1))
            for part in ("query", "key", "value")
        )
        attention = np.exp(query @ key.transpose(0, 2, 1) / sqrt(query.shape[-1]))
        attention /= attention.sum(-1, keepdims=True)
        seen = dense(np.concatenate(list(attention @ value), axis=1), f"{name}.attention.output.dense")
        hidden = normal(hidden + seen, f"{name}.attention.output.LayerNorm")
        thought = dense(gelu(dense(hidden, f"{name}.intermediate.dense")), f"{name}.output.dense")
        hidden = normal(hidden + thought, f"{name}.output.LayerNorm")
        layer += 1
    hidden = normal(gelu(dense(hidden, "cls.predictions.transform.dense")), "cls.predictions.transform.LayerNorm")
    logits = hidden @ words.T + tensors["cls.predictions.bias"]
    return np.log1p(np.maximum(logits, 0)).max(axis=0)
