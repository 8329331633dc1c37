"""The real vLLM, asked by our own clients, makes the same of texts as what runs in this process."""

from pathlib import Path

import numpy as np
import pytest
from medkg_models import DenseModel, named
from medkg_models.endpoint import EndpointEncoder
from medkg_models.local import LocalEncoder
from medkg_models.sparse_opening import SparseSettings, open_sparse

from .checkpoints import minilm, splade_tiny
from .engine import serving

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(3000)]

TEXTS = [
    "Fever.",
    "Sacubitril-valsartan reduced heart failure hospitalisation in PARAGON-HF (p<0.05).",
    "IL-6 and β-blockers: 12 mg/kg, given twice a day; nothing else changed. " * 8,
    *(f"In arm {number} of the trial {number * 7} patients had an adverse event." for number in range(40)),
]


async def test_dense_vectors_are_the_same(tmp_path: Path) -> None:
    """all-MiniLM-L6-v2 makes vectors in vLLM and in this process whose cosine is 0.999 at least."""
    local = LocalEncoder(named("all-MiniLM-L6-v2", DenseModel))
    await local.open()
    ours = await local.encode(TEXTS)
    await local.close()
    with serving(minilm(), tmp_path / "log") as url:
        remote = EndpointEncoder(f"{url}/v1")
        await remote.open()
        theirs = await remote.encode(TEXTS)
        await remote.close()

    cosines = (ours * theirs).sum(axis=1)
    print(f"\ndense: {len(TEXTS)} texts, the least cosine {cosines.min():.6f}")
    assert 0.999 <= cosines.min()


async def test_sparse_weights_are_the_same(tmp_path: Path) -> None:
    """SPLADE-tiny weighs the same terms in vLLM and in this process, to a thousandth."""
    ours = await _weights(SparseSettings(splade_top_k=4096), "cpu")
    (tmp_path / "model").mkdir()
    model = splade_tiny(tmp_path / "model")
    overrides = {"architectures": ["BertSpladeSparseEmbeddingModel"]}
    with serving(model, tmp_path / "log", overrides) as url:
        served = SparseSettings(splade_top_k=4096, splade_url=url, splade_model=str(model))
        theirs = await _weights(served, "cuda")

    differences = [
        abs(mine.get(term, 0) - other.get(term, 0))
        for mine, other in zip(ours, theirs, strict=True)
        for term in mine.keys() | other.keys()
    ]
    terms = np.mean([len(each) for each in ours])
    print(f"\nsparse: {len(TEXTS)} texts, {terms:.0f} terms each, the greatest difference {max(differences):.6f}")
    assert 1e-3 >= max(differences)


async def _weights(settings: SparseSettings, accelerator: str) -> list[dict[str, float]]:
    encoder = await open_sparse(settings, accelerator)
    try:
        return await encoder.encode(TEXTS)
    finally:
        await encoder.close()
