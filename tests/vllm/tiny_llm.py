"""A language model without sense: a tiny Qwen3 of random weights, whose tokens are bytes."""

import json
from pathlib import Path
from typing import Final

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

_HIDDEN: Final = 64
_HEADS: Final = 2
_HEAD: Final = 32
_INNER: Final = 128
_LAYERS: Final = 2
_END: Final = "<|end|>"
_TEMPLATE: Final = (
    "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\\n' }}{% endfor %}assistant: "
)


def tiny_llm(folder: Path) -> Path:
    """Write the checkpoint into the folder."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([_END])
    tokenizer.save(str(folder / "tokenizer.json"))
    end = tokenizer.token_to_id(_END)
    size = -(-(end + 1) // 64) * 64
    _write(folder, "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": _END, "pad_token": _END, "chat_template": _TEMPLATE,
        "model_max_length": 16384, "clean_up_tokenization_spaces": False,
    })  # fmt: skip
    _write(folder, "config.json", {
        "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": _HIDDEN, "head_dim": _HEAD,
        "num_attention_heads": _HEADS, "num_key_value_heads": _HEADS, "num_hidden_layers": _LAYERS,
        "intermediate_size": _INNER, "vocab_size": size, "max_position_embeddings": 16384, "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": False, "eos_token_id": end,
        "torch_dtype": "float32",
    })  # fmt: skip
    save_file(_weights(size), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def _weights(size: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)

    def random(*shape: int) -> np.ndarray:
        return (generator.standard_normal(shape) * 0.2).astype(np.float32)

    ones = np.ones
    weights = {
        "model.embed_tokens.weight": random(size, _HIDDEN),
        "lm_head.weight": random(size, _HIDDEN),
        "model.norm.weight": ones(_HIDDEN, np.float32),
    }
    for number in range(_LAYERS):
        layer, inner = f"model.layers.{number}", _HEADS * _HEAD
        weights |= {
            f"{layer}.input_layernorm.weight": ones(_HIDDEN, np.float32),
            f"{layer}.post_attention_layernorm.weight": ones(_HIDDEN, np.float32),
            f"{layer}.self_attn.q_norm.weight": ones(_HEAD, np.float32),
            f"{layer}.self_attn.k_norm.weight": ones(_HEAD, np.float32),
            **{f"{layer}.self_attn.{each}_proj.weight": random(inner, _HIDDEN) for each in "qkv"},
            f"{layer}.self_attn.o_proj.weight": random(_HIDDEN, inner),
            **{f"{layer}.mlp.{each}_proj.weight": random(_INNER, _HIDDEN) for each in ("gate", "up")},
            f"{layer}.mlp.down_proj.weight": random(_HIDDEN, _INNER),
        }
    return weights


def _write(folder: Path, name: str, content: object) -> None:
    (folder / name).write_text(json.dumps(content))
