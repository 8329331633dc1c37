"""Real models in the chunk stage: whose tokens are counted, and who says where a text turns."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from medkg_artifacts import ArtifactStore
from medkg_chunk import app
from medkg_chunk.installed import InstalledModels
from medkg_chunk.settings import ChunkSettings
from medkg_chunk.tokens import Measure
from medkg_contracts.errors import GpuUnavailable
from medkg_contracts.ir import Document
from medkg_models import DEFAULT_DENSE, ModelTokenizer, PackagedModel, named
from medkg_models.testing import fake_vllm
from medkg_servicekit import accelerator
from medkg_servicekit.accelerator import Gpu
from medkg_stagekit.testing import Example, StageHarness

from .cases import chunk, document, documents, real_documents, section
from .fakes import FakeModels

TOKENIZER = ModelTokenizer.of(named(DEFAULT_DENSE, PackagedModel))

HEART = (
    "Heart failure with preserved ejection fraction has few treatments. Sacubitril with valsartan lowers natriuretic "
    "peptides in it. Whether it prevents admissions for heart failure is not known. Patients are followed for "
    "cardiovascular death and admissions for two years. "
)
SCHOOL = (
    "Children of primary schools learn to wash their hands. Teachers show how soap is used before lunch. "
    "Posters with pictures hang beside each basin of the school. Absences from class are counted each week. "
)


class RealTokens(FakeModels):
    """A real model's tokens, and embeddings that are seen through."""

    tokenizers = (DEFAULT_DENSE,)

    def __init__(self, models: InstalledModels) -> None:
        super().__init__()
        self._models = models

    def measure(self, name: str) -> Measure:  # noqa: D102 - as in `medkg_chunk.models`
        return self._models.measure(name)


@pytest.fixture(scope="module")
def models() -> InstalledModels:
    return InstalledModels(ChunkSettings(accelerator="cpu"))


@given(documents())
@settings(deadline=None)
def test_a_chunk_fits_the_model_that_reads_it(models: InstalledModels, doc: Document) -> None:
    """For any text a chunk has as many tokens as the model is given, no more than asked for, and an exact span."""
    chunks = chunk(doc, models, tokenizer=DEFAULT_DENSE, max_tokens=24)

    assert [len(ids) for ids in TOKENIZER.ids([one.text for one in chunks])] == [one.token_count for one in chunks]
    assert [] == [one for one in chunks if one.token_count > 24]
    assert [doc.text[one.span.start : one.span.end] for one in chunks] == [one.text for one in chunks]
    for one in doc.sections:
        assert "".join(one.text.split()) == "".join("".join(c.text.split()) for c in chunks if c.section_id == one.id)


@pytest.mark.parametrize("strategy", ["sentences", "section", "semantic"])
@pytest.mark.parametrize("doc", real_documents(), ids=lambda doc: doc.id)
def test_real_documents_are_cut_as_arbitrary_ones(models: InstalledModels, doc: Document, strategy: str) -> None:
    """In a paper with tables and in studies, with a model's own tokens: exact spans, all text, no chunk too long."""
    model = {"model": "topics"} if strategy == "semantic" else {}
    chunks = chunk(doc, RealTokens(models), strategy=strategy, tokenizer=DEFAULT_DENSE, max_tokens=128, **model)
    sections = {one.id: "".join(one.text.split()) for one in doc.sections}

    assert [doc.text[one.span.start : one.span.end] for one in chunks] == [one.text for one in chunks]
    assert [len(ids) for ids in TOKENIZER.ids([one.text for one in chunks])] == [one.token_count for one in chunks]
    assert (512 if strategy == "section" else 128) >= max(one.token_count for one in chunks)
    assert sections == {
        name: "".join("".join(one.text.split()) for one in chunks if one.section_id == name) for name in sections
    }
    assert (strategy == "semantic") is any(one.coherence is not None for one in chunks)


@pytest.mark.parametrize(("text", "expected"), [("heart failure\n" * 40_000, 80_000), ("h" * 600_000, 3)])
def test_a_long_text_is_tokenized_in_parts(models: InstalledModels, text: str, expected: int) -> None:
    """Text that would take much memory at once is tokenized in parts, between words where it has any."""
    tokens = models.measure(DEFAULT_DENSE)

    assert [expected, 1] == tokens.count([text, "heart"])
    assert expected == len(tokens.starts(text))


def test_a_section_may_be_as_long_as_its_reader_takes(models: InstalledModels) -> None:
    """Without further words a section is one chunk as long as the tokenizer's model takes it."""
    fits = document(section("heart " * 510))
    does_not = document(section("heart " * 511))

    assert [512] == [one.token_count for one in chunk(fits, models, strategy="section", tokenizer=DEFAULT_DENSE)]
    assert 3 == len(chunk(does_not, models, strategy="section", tokenizer=DEFAULT_DENSE))


def test_a_model_sees_where_the_text_turns(models: InstalledModels) -> None:
    """Between a paragraph on heart failure and one on schools a chunk ends, and in both neighbours are alike."""
    chunks = chunk(document(section(HEART + SCHOOL)), models, strategy="semantic", min_tokens=20)

    assert [HEART.strip(), SCHOOL.strip()] == [one.text for one in chunks]
    assert [True, True] == [0.4 < (one.coherence or 0) < 1 for one in chunks]


async def test_workers_make_the_same_chunks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In worker processes, a topology's option loads the model within the memory of a job; chunks are the same."""
    monkeypatch.setenv("MK_ACCELERATOR", "cpu")
    doc = document(section(HEART + SCHOOL))
    asked = Example({"document": doc}, options={"strategy": "semantic", "tokenizer": DEFAULT_DENSE, "min_tokens": 20})
    async with AsyncExitStack() as stack:
        binding, pool = await app.service.open(stack)
        harness = StageHarness(binding, ArtifactStore(tmp_path), "public", pool)
        outcomes = await harness.run(await harness.work(asked, "job-1"), await harness.work(asked, "job-2"))

        assert [None, None] == [outcome.error for outcome in outcomes]
        assert outcomes[0].artifacts == outcomes[1].artifacts


def test_only_one_who_asks_for_it_needs_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service needs a GPU if its settings ask for a model, and the endpoint that has it is on the same machine."""
    monkeypatch.setenv("MK_ACCELERATOR", "cuda")
    plain = app.service.is_accelerated
    monkeypatch.setenv("MK_CHUNK_STRATEGY", "semantic")
    asking = app.service.is_accelerated
    monkeypatch.setenv("MK_EMBED_URL", "http://gpu.example:8000/v1")

    assert (False, True, False) == (plain, asking, app.service.is_accelerated)


def test_a_topology_that_needs_a_gpu_fails_its_jobs_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the accelerator cuda and no GPU, a job that needs one fails by name, and others do not."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    models = InstalledModels(ChunkSettings(accelerator="cuda"))
    doc = document(section(HEART))

    assert 1 == len(chunk(doc, models))
    with pytest.raises(GpuUnavailable, match="MK_ACCELERATOR is cuda"):
        chunk(doc, models, strategy="semantic")


def test_with_a_gpu_the_endpoint_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the accelerator cuda sentences go to the endpoint's model, the long ones cut."""
    monkeypatch.setattr(accelerator, "usable_gpus", lambda: [Gpu("Large", "0000:01:00.0", 81_920, 81_000)])
    with fake_vllm() as server:
        models = InstalledModels(ChunkSettings(accelerator="cuda", embed_url=server.url))
        server.max_tokens = 8
        chunks = chunk(document(section(HEART + SCHOOL)), models, strategy="semantic", min_tokens=8)

    assert HEART.split(". ", maxsplit=1)[0] + "." in server.texts
    assert [] == [one for one in chunks if one.coherence is None and one.text.count(".") > 1]
