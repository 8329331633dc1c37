"""The SPLADE stage behaves as every stage does, with the real model."""

from contextlib import AsyncExitStack

import pytest
from medkg_contracts.ir import Chunk, Span
from medkg_contracts.vectors import SparseVectors
from medkg_splade import app
from medkg_stagekit.testing import Example, StageHarness, StageSuite

TEXTS = (
    "Patients with fever were given paracetamol.",
    "Dapagliflozin reduced admissions for heart failure (HFrEF) by 26 %.",
    "The primary endpoint was overall survival. " * 40,
)


def chunk(number: int, text: str, title: str = "A trial") -> Chunk:
    """A chunk with this text."""
    return Chunk(
        id=f"chunk-{number}",
        document_id="ctgov:NCT00000001",
        document_title=title,
        source="ctgov",
        section_id="summary",
        section_type="summary",
        section_title="Summary",
        ordinal=number,
        text=text,
        span=Span(start=0, end=len(text)),
        token_count=10,
    )


class TestSpladeStageSuite(StageSuite):
    service = app.service
    stage_type = "SparseEmbedStage"
    examples = (
        Example({"chunks": [chunk(number, text) for number, text in enumerate(TEXTS)]}),
        Example({"chunks": [chunk(0, TEXTS[1])]}),
        Example({"chunks": []}),
    )

    @pytest.fixture(autouse=True)
    def _on_the_cpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MK_ACCELERATOR", "cpu")

    async def test_each_chunk_has_its_terms(self, harness: StageHarness) -> None:
        """A job's chunks have their vectors in their order, each with terms that the chunk and its title are about."""
        (outcome,) = await harness.run(
            await harness.work(
                Example(
                    {
                        "chunks": [
                            chunk(0, "Patients with fever were given paracetamol.", "Malaria"),
                            chunk(1, "Insulin.", "Diabetes"),
                        ]
                    }
                )
            )
        )
        made = SparseVectors.model_validate_json((await harness.made(outcome))["sparse_vectors"])

        assert ["chunk-0", "chunk-1"] == [vector.chunk_id for vector in made.vectors]
        assert {"fever", "malaria"} <= set(made.vectors[0].weights)
        assert {"insulin", "diabetes"} <= set(made.vectors[1].weights)
        assert "splade-tiny" == made.model.name

    async def test_what_is_kept_of_a_chunk_is_a_setting(self, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
        """With MK_SPLADE_TOP_K=3 a chunk keeps its three heaviest terms."""
        monkeypatch.setenv("MK_SPLADE_TOP_K", "3")
        async with AsyncExitStack() as stack:
            harness = await self._open(stack, tmp_path)
            (outcome,) = await harness.run(await harness.work(self.examples[1]))
            made = SparseVectors.model_validate_json((await harness.made(outcome))["sparse_vectors"])

        assert 3 == len(made.vectors[0].weights)
