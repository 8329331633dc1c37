"""The real kgx takes what we export: it finds nothing wrong, counts what we count, and gives all of it back."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from medkg_contracts.stages import StageContext
from medkg_extract.settings import ExtractSettings
from medkg_extract.stage import ExtractStage
from medkg_graph import GraphServer, GraphWriter, facts_of
from medkg_graph.kgx.export import Exported, export_graph
from medkg_graph.kgx.files import Form, read_rows

from tests.recorded import bodies, given

from .environment import kgx

pytestmark = [pytest.mark.kgx, pytest.mark.timeout(1800)]

NODE = ("id", "category", "name")
EDGE = ("id", "subject", "predicate", "object", "primary_knowledge_source", "knowledge_level", "agent_type",
        "publications", "medkg_document", "medkg_evidence", "medkg_extraction")  # fmt: skip
TENANT = "kgx"
STUDIES = 20
CONTEXT = StageContext(tenant_id=TENANT, doc_id="", job_id="j", correlation_id="c", pipeline="auto", digest="0" * 12)


async def fill(url: str) -> None:
    """Write the facts of real studies."""
    stage, server = ExtractStage(ExtractSettings()), GraphServer(url)
    facts = []
    for nct_id, body in sorted(bodies().items())[:STUDIES]:
        payload, document = given(body, nct_id)
        facts.append(facts_of(TENANT, *await stage.execute(CONTEXT, [payload], document, [])))
    await GraphWriter(server).write(facts)
    await server.close()


async def export(url: str, prefix: str, form: Form) -> Exported:
    """Export them."""
    server = GraphServer(url)
    made = await export_graph(server, TENANT, prefix, form, lambda _: None)
    await server.close()
    return made


@pytest.fixture(scope="module", params=["tsv", "jsonl"])
def exported(request: pytest.FixtureRequest, neo4j_url: str, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The facts of real studies, exported."""
    asyncio.run(fill(neo4j_url))
    prefix = str(tmp_path_factory.mktemp(request.param) / "studies")
    return asyncio.run(export(neo4j_url, prefix, request.param))


def form_of(exported: Exported) -> str:
    return exported.files[0].suffix[1:]


def run(exported: Exported, *arguments: str) -> str:
    """What kgx says; it has to succeed."""
    done = kgx(exported.files[0].parent, *arguments)
    said = done.stdout + done.stderr
    print(f"$ kgx {' '.join(arguments)}", said, sep="\n")

    assert done.returncode == 0, said
    return said


def test_kgx_finds_nothing_wrong(exported: Exported) -> None:
    """Of categories, predicates, prefixes and types of properties its report has no error."""
    form = form_of(exported)
    said = run(exported, "validate", *map(str, exported.files), "-i", form)

    assert "{}" == said.strip().splitlines()[-1]


def test_kgx_counts_what_we_count(exported: Exported) -> None:
    """As many nodes and edges, and none without a category."""
    form, folder = form_of(exported), exported.files[0].parent
    run(exported, "graph-summary", *map(str, exported.files), "-i", form, "-o", "summary.yaml")
    summary = yaml.safe_load((folder / "summary.yaml").read_text())
    print(yaml.safe_dump(summary)[:3000])

    assert (exported.nodes, exported.edges) == (
        summary["node_stats"]["total_nodes"],
        summary["edge_stats"]["total_edges"],
    )


def test_kgx_gives_all_of_it_back(exported: Exported) -> None:
    """What it reads, and writes as lines of JSON, has the same nodes and edges, with ends and provenance."""
    form, folder = form_of(exported), exported.files[0].parent
    # As a stream: its graph in memory has one edge for two things and a predicate, whoever says so. As JSON: of a
    # table it writes, as a stream, only the columns that it knows.
    run(exported, "transform", *map(str, exported.files), "-i", form, "-f", "jsonl", "-o", "again", "--stream")

    for path, names in zip(exported.files, (NODE, EDGE), strict=True):
        again = folder / f"{path.stem.replace('studies', 'again')}.jsonl"
        assert told(path, names) == told(again, names)


def told(path: Path, names: Sequence[str]) -> list[str]:
    """What all rows have of these columns."""
    return sorted(repr([(row.record or {}).get(name) for name in names]) for row in read_rows(path))
