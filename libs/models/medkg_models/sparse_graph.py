"""A BERT with a masked-language head as a graph of OpenVINO that ends in SPLADE's weights, made from its checkpoint.

What the checkpoint's authors run it with (PyTorch) is ten times the size of OpenVINO, and is not needed to run it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import openvino
from medkg_contracts.model import Contract
from numpy.typing import NDArray
from openvino import opset13 as ops
from pydantic import ConfigDict, Field
from safetensors.numpy import load_file

#: What the graph takes: a window's tokens, int64 ``[1, tokens]``.
IDS: Final = "input_ids"

#: A part of the graph.
_Node = Any


class BertConfig(Contract):
    """What of a checkpoint's ``config.json`` matters here; a model of another kind is refused."""

    model_config = ConfigDict(extra="ignore")

    model_type: Literal["bert"]
    hidden_act: Literal["gelu"]
    position_embedding_type: Literal["absolute"]
    num_attention_heads: Annotated[int, Field(ge=1)]
    num_hidden_layers: Annotated[int, Field(ge=1)]
    hidden_size: Annotated[int, Field(ge=1)]
    layer_norm_eps: float


def read_checkpoint(path: Path) -> dict[str, NDArray[np.float32]]:
    """A checkpoint's tensors, under the names that BERT's have today, the decoder's among them."""
    tensors = {
        name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias"): tensor
        for name, tensor in load_file(path).items()
    }
    # The decoder is the word embeddings, which a checkpoint need not repeat.
    tensors.setdefault("cls.predictions.decoder.weight", tensors["bert.embeddings.word_embeddings.weight"])
    tensors.setdefault("cls.predictions.decoder.bias", tensors["cls.predictions.bias"])
    return tensors


def splade_graph(tensors: Mapping[str, NDArray[np.float32]], config: BertConfig) -> openvino.Model:
    """The graph of one window: ``log(1 + relu(logit))`` of each term, the maximum over the tokens.

    A window is computed alone, so that there is no padding and no mask.
    """
    return _Builder(tensors, config).graph()


class _Builder:
    def __init__(self, tensors: Mapping[str, NDArray[np.float32]], config: BertConfig) -> None:
        self._tensors = tensors
        self._config = config

    def graph(self) -> openvino.Model:
        ids = ops.parameter([1, -1], np.int64, IDS)
        ids.output(0).set_names({IDS})
        hidden = self._embedded(ids)
        for layer in range(self._config.num_hidden_layers):
            hidden = self._layer(hidden, f"bert.encoder.layer.{layer}")
        hidden = ops.gelu(self._dense(hidden, "cls.predictions.transform.dense"), "erf")
        hidden = self._normal(hidden, "cls.predictions.transform.LayerNorm")
        logits = ops.matmul(hidden, self._constant("cls.predictions.decoder.weight"), False, True)
        # Neither the bias nor what follows changes which token has a term's greatest logit: they can wait until there
        # is one row.
        most = ops.add(ops.reduce_max(logits, _numbers(1)), self._constant("cls.predictions.decoder.bias"))
        weights = ops.log(ops.add(ops.relu(most), ops.constant(np.float32(1))))
        return openvino.Model([weights], [ids], "splade")

    def _embedded(self, ids: _Node) -> _Node:
        positions = self._tensors["bert.embeddings.position_embeddings.weight"]
        # All tokens are of the first of BERT's two segments.
        positions = positions + self._tensors["bert.embeddings.token_type_embeddings.weight"][0]
        first = ops.constant(np.int64(0))
        tokens = ops.gather(ops.shape_of(ids), _numbers(1), first)
        here = ops.slice(ops.constant(positions), _numbers(0), tokens, _numbers(1), _numbers(0))
        words = ops.gather(self._constant("bert.embeddings.word_embeddings.weight"), ids, first)
        return self._normal(ops.add(words, here), "bert.embeddings.LayerNorm")

    def _layer(self, hidden: _Node, name: str) -> _Node:
        heads, size = self._config.num_attention_heads, self._config.hidden_size
        apart, swapped = _numbers(0, 0, heads, size // heads), _numbers(0, 2, 1, 3)
        query, key, value = (
            ops.transpose(ops.reshape(self._dense(hidden, f"{name}.attention.self.{part}"), apart, True), swapped)
            for part in ("query", "key", "value")
        )
        seen = ops.transpose(ops.scaled_dot_product_attention(query, key, value), swapped)
        seen = self._dense(ops.reshape(seen, _numbers(0, 0, size), True), f"{name}.attention.output.dense")
        hidden = self._normal(ops.add(seen, hidden), f"{name}.attention.output.LayerNorm")
        thought = ops.gelu(self._dense(hidden, f"{name}.intermediate.dense"), "erf")
        thought = self._dense(thought, f"{name}.output.dense")
        return self._normal(ops.add(thought, hidden), f"{name}.output.LayerNorm")

    def _dense(self, of: _Node, name: str) -> _Node:
        product = ops.matmul(of, self._constant(f"{name}.weight"), False, True)
        return ops.add(product, self._constant(f"{name}.bias"))

    def _normal(self, of: _Node, name: str) -> _Node:
        normal = ops.mvn(of, _numbers(-1), True, self._config.layer_norm_eps, "inside_sqrt")
        return ops.add(ops.multiply(normal, self._constant(f"{name}.weight")), self._constant(f"{name}.bias"))

    def _constant(self, name: str) -> _Node:
        return ops.constant(self._tensors[name])


def _numbers(*numbers: int) -> _Node:
    return ops.constant(np.array(numbers, dtype=np.int64))
