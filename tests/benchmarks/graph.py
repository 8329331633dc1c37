"""Measures the knowledge graph in a real Neo4j: ``python -m tests.benchmarks.graph``.

Documents are the recorded studies with all their facts, and copies of them under other numbers: conditions,
interventions, sponsors and places are shared, so that some entities have hundreds of thousands of claims. They are
written as the stage does, in transactions of up to 5,000 claims, by one writer, by eight, and by eight until the graph
has a million claims. Then two-hop neighbourhoods, with the evidence of each way, are asked for of entities as claims
name them: the more often, the more claims they have.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Final

import medkg_replay
import orjson
from medkg_contracts.ids import digest
from medkg_contracts.ir import Document, Provenance, RawPayload, Section
from medkg_contracts.knowledge import Claims, Entities
from medkg_contracts.stages import StageContext
from medkg_extract.settings import ExtractSettings
from medkg_extract.stage import ExtractStage
from medkg_graph import Facts, GraphReader, GraphServer, GraphWriter, facts_of, transactions
from medkg_replay.recordings import load_recordings
from medkg_stack import Ports, Stack

from .latency import Percentiles, percentiles
from .targets import MAX_NEIGHBOURS_P95_MS, MIN_EDGES_PER_S, Verdict
from .usage import Meter

_TENANT: Final = "bench"
_CLAIMS: Final = 1_000_000
_WARMING: Final = 20_000
_MEASURED: Final = 60_000
_WRITERS: Final = 8
_ASKED: Final = 300
_ASKED_WARMING: Final = 100
_TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Study:
    """What the stage finds in a study, as JSON, and the number that it has there."""

    number: str
    entities: str
    claims: str

    def copy(self, turn: int) -> Facts:
        """Its facts under another number; turn 0 leaves it as it is."""
        number = self.number if turn == 0 else f"NCT{int(digest(self.number, str(turn))[:12], 16) % 10**8:08d}"
        entities, claims = (text.replace(self.number, number) for text in (self.entities, self.claims))
        return facts_of(_TENANT, Entities.model_validate_json(entities), Claims.model_validate_json(claims), turn + 1)


@dataclass(frozen=True, slots=True)
class Writing:
    """How documents were written.

    Attributes:
        server_cpu_s: processor time of Neo4j.
        writer_cpu_s: of the writers, with making rows of artifacts.
    """

    writers: int
    documents: int
    claims: int
    seconds: float
    server_cpu_s: float
    writer_cpu_s: float
    transactions: int

    @property
    def claims_per_s(self) -> float:
        """Edges a second."""
        return self.claims / self.seconds


@dataclass(frozen=True, slots=True)
class Measured:
    """All that was measured in one run.

    Attributes:
        claims: that the graph had in the end.
        largest: claims of the entity that has most.
        neighbours_ms: of a two-hop neighbourhood.
    """

    writing: Sequence[Writing]
    claims: int
    largest: int
    neighbours_ms: Percentiles

    @property
    def verdicts(self) -> list[Verdict]:
        """The targets with their measures."""
        return [
            *(
                Verdict(f"edges by {one.writers}", one.claims_per_s, MIN_EDGES_PER_S, "edges/s", at_least=True)
                for one in self.writing
                if one.writers > 1  # one alone leaves a core waiting, now of Neo4j and now of itself
            ),
            Verdict("two hops, p95", self.neighbours_ms.p95, MAX_NEIGHBOURS_P95_MS, "ms", at_least=False),
        ]


async def studies() -> list[Study]:
    """The recorded studies."""
    stage = ExtractStage(ExtractSettings())
    found = []
    for study in load_recordings(Path(medkg_replay.__file__).parent / "recordings").studies:
        entities, claims = await _extracted(stage, study.nct_id, study.body)
        found.append(Study(study.nct_id, entities.model_dump_json(), claims.model_dump_json()))
    return found


async def _extracted(stage: ExtractStage, number: str, body: bytes) -> tuple[Entities, Claims]:
    sha256 = digest(body.decode())
    uri = f"https://clinicaltrials.gov/api/v2/studies/{number}"
    provenance = Provenance(source="ctgov", source_id=number, uri=uri, sha256=sha256)
    section = Section(id="title", type="title", title="Title", text=number, provenance=provenance)
    document = Document(id=f"ctgov:{number}", source="ctgov", title=number, sections=[section], provenance=provenance)
    payload = RawPayload(
        source="ctgov", source_id=number, uri=uri, media_type="application/json", body=body.decode(), sha256=sha256
    )
    ctx = StageContext(tenant_id=_TENANT, doc_id="", job_id="j", correlation_id="c", pipeline="b", digest="0" * 12)
    return await stage.execute(ctx, [payload], document, [])


def batches(of: Sequence[Study]) -> Iterator[list[Facts]]:
    """Documents without end, none twice, in groups as the stage writes them."""
    return transactions(study.copy(turn) for turn in count() for study in of)


async def write(url: str, java: int, source: Iterator[list[Facts]], claims: int, writers: int) -> Writing:
    """Write so many claims, by so many writers, each with connections of its own."""
    servers = [GraphServer(url, timeout_s=_TIMEOUT_S) for _ in range(writers)]
    written = documents = transactions = 0
    meter, began, cpu = Meter({"neo4j": java}), perf_counter(), process_time()

    async def work(server: GraphServer) -> None:
        nonlocal written, documents, transactions
        writer = GraphWriter(server)
        while written < claims:
            batch = next(source)
            written += sum(len(facts.claims) for facts in batch)
            documents += len(batch)
            transactions += 1
            await writer.write(batch)

    await asyncio.gather(*map(work, servers))
    seconds, own = perf_counter() - began, process_time() - cpu
    for server in servers:
        await server.close()
    return Writing(writers, documents, written, seconds, meter.used()["neo4j"], own, transactions)


async def ask(url: str, of: Sequence[Study]) -> Percentiles:
    """Two-hop neighbourhoods of entities as claims name them, one after the other."""
    draw = Random(7)  # noqa: S311 - no secret
    named = [end for study in of for claim in study.copy(0).claims for end in (claim.subject, claim.object)]
    server = GraphServer(url, timeout_s=_TIMEOUT_S)
    reader, took = GraphReader(server), []
    for number in range(_ASKED_WARMING + _ASKED):
        began = perf_counter()
        found = await reader.neighbours(_TENANT, draw.choice(named), hops=2)
        if number >= _ASKED_WARMING:
            took.append(perf_counter() - began)
        if not found.neighbours:
            raise RuntimeError("an entity that claims name has no neighbours")
    await server.close()
    return percentiles(took)


async def sizes(url: str) -> tuple[int, int]:
    """Claims of the graph, and of the entity that has most."""
    server = GraphServer(url, timeout_s=_TIMEOUT_S)
    rows = await server.read(lambda transaction: transaction.run(_SIZES, tenant=_TENANT))
    await server.close()
    return rows[0]["claims"], rows[0]["largest"]


_SIZES: Final = """
MATCH (e:Entity {tenant: $tenant})
RETURN sum(COUNT { (e)-[:!SUPPORTS]->() }) AS claims, max(COUNT { (e)-[:!SUPPORTS]-(:Entity) }) AS largest
"""


async def run(stack: Stack, claims: int, say: Callable[[str], None]) -> Measured:
    """Start Neo4j, write, and ask."""
    of = await studies()
    say(f"{len(of)} studies were read")
    await asyncio.to_thread(stack.up, ["neo4j"])
    url, java = stack.neo4j.address, next(line.pid for line in stack.status() if line.pid is not None)
    source = batches(of)
    await write(url, java, source, min(_WARMING, claims), 1)
    writing, total = [], min(_WARMING, claims)
    for writers in (1, _WRITERS):
        writing.append(await write(url, java, source, min(_MEASURED, claims), writers))
        total += writing[-1].claims
        say(f"{writing[-1].claims_per_s:,.0f} edges/s by {writers} writers")
    if claims > total:
        writing.append(await write(url, java, source, claims - total, _WRITERS))
        say(f"{writing[-1].claims_per_s:,.0f} edges/s by {_WRITERS} writers, up to {claims:,}")
    there, largest = await sizes(url)
    say(f"{there:,} edges, {largest:,} of one entity")
    return Measured(writing, there, largest, await ask(url, of))


def show(measured: Measured) -> None:
    """Print the report."""
    for one in measured.writing:
        print(
            f"{one.writers} writers: {one.documents} documents, {one.claims:,} edges in {one.seconds:.1f} s, "
            f"{one.claims / one.server_cpu_s:,.0f} for a second of Neo4j's processor time "
            f"({one.server_cpu_s / one.documents * 1000:.0f} ms a document), {one.claims / one.writer_cpu_s:,.0f} for "
            f"one of the writers', {one.transactions} transactions"
        )
    its = measured.neighbours_ms
    print(f"two hops with evidence: p50 {its.p50:.1f} ms, p95 {its.p95:.1f} ms, p99 {its.p99:.1f} ms")
    for verdict in measured.verdicts:
        told = "" if verdict.reached else "MISSED "
        print(f"{told}{verdict.name}: {verdict.measured:,.0f} {verdict.unit}, wanted {verdict.target:,.0f}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what it measured.

    Returns:
        The exit code: 1 when a target is missed.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.graph", description=__doc__)
    parser.add_argument("--claims", type=int, default=_CLAIMS, help="that the graph has in the end")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON as well")
    options = parser.parse_args(arguments)
    load, began = os.getloadavg()[0], perf_counter()

    def say(line: str) -> None:
        print(f"{perf_counter() - began:6.1f} s  {line}", flush=True)

    with TemporaryDirectory(prefix="medkg-bench-") as folder:
        stack = Stack(Path(folder), Ports.free(), profile="bench", report=say)
        try:
            measured = asyncio.run(run(stack, options.claims, say))
        finally:
            stack.wipe()
    show(measured)
    print(f"load before: {load:.1f}")
    if options.json:
        options.json.write_bytes(orjson.dumps(asdict(measured), option=orjson.OPT_INDENT_2))
    return 0 if all(verdict.reached for verdict in measured.verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
