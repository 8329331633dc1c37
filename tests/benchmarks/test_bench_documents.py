"""The documents that tell what vectors cost, and the services that they go through."""

import asyncio
from pathlib import Path

import orjson
import pytest
from medkg_artifacts import ArtifactStore
from medkg_contracts.services import installed, load
from medkg_stagekit import StageService
from medkg_topology.catalog import Catalog
from medkg_topology.plan import StageNode

from tests.benchmarks.bed import PRODUCT_TOPOLOGIES
from tests.benchmarks.documents import WITH_VECTORS, WORDS_ALONE, Corpus, stages_of, write_topologies
from tests.benchmarks.services import MODELS
from tests.shipped import STAGE_SERVICES


def test_the_two_topologies_differ_by_the_models_alone(tmp_path: Path) -> None:
    """The one with vectors has the stages of `auto` up to the index; the other lacks the models, and so the join."""
    folder = write_topologies(tmp_path / "topologies")
    words, vectors, auto = (stages_of(folder, name) for name in (WORDS_ALONE, WITH_VECTORS, "auto"))
    index = Catalog(folder).resolve(WORDS_ALONE, "beir").by_name["index"]

    assert [name for name in auto if name not in {"extract", "kg"}] == vectors
    assert [name for name in vectors if name not in {"embed", "expand"}] == words
    assert isinstance(index, StageNode)
    assert (("chunk",), ("document", "chunks")) == (index.depends_on, index.inputs)


def test_topologies_of_the_product_are_there_as_well(tmp_path: Path) -> None:
    """Services that are measured while they wait have the product's own topologies."""
    folder = write_topologies(tmp_path / "topologies")
    product, there = ({path.stem for path in root.rglob("*.yaml")} for root in (PRODUCT_TOPOLOGIES, folder))

    assert product | {WORDS_ALONE} == there


def test_each_round_asks_for_the_same_documents_as_other_jobs(tmp_path: Path) -> None:
    """Two rounds differ by the jobs' ids alone, and may use what was made before."""
    corpus = Corpus(ArtifactStore(tmp_path), 3)
    one, other = (asyncio.run(corpus.requests(WITH_VECTORS)) for _ in range(2))

    assert [each.value for each in one] == [each.value for each in other]
    assert {True} == {orjson.loads(each.value or b"")["skip_completed"] for each in one}
    assert 6 == len({each.job_id for each in (*one, *other)})


def test_memory_of_models_is_allowed_to_those_alone_who_run_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service has the bound of models if it loads one on the processor when it starts, and no other has."""
    monkeypatch.setenv("MK_ACCELERATOR", "cpu")
    services = [load(installed()[name]) for name in STAGE_SERVICES]
    running = {each.name for each in services if isinstance(each, StageService) and each.is_accelerated}

    assert running == MODELS.keys()
