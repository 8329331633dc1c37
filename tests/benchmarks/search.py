"""Measures searches through the real service: ``python -m tests.benchmarks.search``.

A node over a real Kafka and a real OpenSearch has 10,000 chunks: those of the recorded studies, and others made of
them. Queries arrive at a fixed rate, whether or not those before them are answered, and are read by the real models; by
turns they ask each arm alone and all of them. Reported is the whole search's p95 as a multiple of the slowest arm's.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Any, Final

import httpx
import numpy as np
import orjson
from medkg_bus.changelog import VectorChangelog
from medkg_contracts.changelog import LiveModel, VectorKey, VectorPut, VisibleVersion
from medkg_contracts.ids import digest
from medkg_contracts.ir import Chunk
from medkg_contracts.vectors import EmbeddingModel
from medkg_models.dense import all_or_error
from medkg_models.dense_opening import DenseSettings, open_dense
from medkg_models.sparse_opening import SparseSettings, open_sparse
from medkg_search import SearchServer, TenantNames, chunk_source, ensure_indices, feature_weights
from medkg_search.hybrid import SEARCH_PATH, Arm, HybridPage
from medkg_stack.ports import free_port

from .bed import Bed
from .latency import Percentiles, percentiles
from .studies import recorded_chunks

#: The whole search's p95, as a multiple of the slowest arm's alone.
MOST_OF_SLOWEST: Final = 2.5

_TENANT: Final = "bench"
_VERSION: Final = "v1"
_RATE: Final = 20.0
_CHUNKS: Final = 10_000
_SECONDS: Final = 5.0
_ROUNDS: Final = 3
_WARMING: Final = 200
#: Chunks that the models read; all others have what one of these has, with its vector moved a little.
_READ: Final = 160
_MOVED: Final = 0.3
_WORDS_CHANGED: Final = 0.2
_BULK: Final = 500
_QUERY_WORDS: Final = (3, 9)
_WHOLE: Final = "all arms"

#: Seconds from the time when a query was due, and its answer; None for an error.
Answer = tuple[float, HybridPage | None]


@dataclass(frozen=True, slots=True)
class Read:
    """What the models make of some chunks."""

    model: EmbeddingModel
    vectors: list[np.ndarray[Any, np.dtype[np.float32]]]
    sparse: list[Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was asked for at once.

    Attributes:
        ms: from the time when a query was due until its answer.
        parts: median milliseconds of each part of a search, as its answers say.
        lacking: answers that lacked an arm, or were errors.
    """

    ms: Percentiles
    parts: Mapping[str, float]
    lacking: int


def chunks(size: int) -> list[Chunk]:
    """The recorded studies' chunks, and behind them copies with some words from elsewhere, as other documents'."""
    real = recorded_chunks()
    draw = Random(1)  # noqa: S311 - no secret
    words = " ".join(chunk.text for chunk in real[:500]).split()

    def copies() -> Iterator[Chunk]:
        for turn in count(1):
            for chunk in real:
                kept = [draw.choice(words) if draw.random() < _WORDS_CHANGED else word for word in chunk.text.split()]
                document = f"{chunk.document_id}-{turn}"
                made = {"id": f"{chunk.id}-{turn}", "document_id": document, "text": " ".join(kept)}
                yield chunk.model_copy(update=made)

    return [*real[:size], *islice(copies(), max(0, size - len(real)))]


def queries(of: Sequence[Chunk]) -> Iterator[str]:
    """Some words that stand together in a chunk, without end, always the same."""
    draw = Random(2)  # noqa: S311 - no secret
    while True:
        words = [word for word in draw.choice(of).text.split() if word.isalpha()]
        length = draw.randint(*_QUERY_WORDS)
        if len(words) > length:
            start = draw.randrange(len(words) - length)
            yield " ".join(words[start : start + length])


async def read(of: Sequence[Chunk]) -> Read:
    """What the real models make of these chunks."""
    texts = [chunk.text for chunk in of]
    dense, sparse = await open_dense(DenseSettings(), "cpu"), await open_sparse(SparseSettings(), "cpu")
    try:
        vectors = all_or_error(await dense.encode_each(texts, truncate=True))
        return Read(dense.model, list(vectors), list(await sparse.encode(texts)))
    finally:
        await dense.close()
        await sparse.close()


async def fill(kafka: str, opensearch: str, of: Sequence[Chunk], made: Read) -> None:
    """Write the chunks to the index and to the changelog, as the index stage does."""
    server, changelog = SearchServer(opensearch, timeout_s=60), VectorChangelog(kafka, "bench", "/bench")
    try:
        await ensure_indices(server, _TENANT)
        await changelog.write([[LiveModel(tenant=_TENANT, model=made.model, order=1)]])
        for start in range(0, len(of), _BULK):
            await _written(server, changelog, of[start : start + _BULK], made, start)
        await server.call("POST", f"/{TenantNames(_TENANT).chunks}/_refresh")
        documents = sorted({chunk.document_id for chunk in of})
        shown = [
            VisibleVersion(tenant=_TENANT, document_id=each, version=_VERSION, order=1, chunks=1) for each in documents
        ]
        await changelog.write([[each] for each in shown])
    finally:
        await changelog.close()
        await server.close()


async def _written(
    server: SearchServer, changelog: VectorChangelog, of: Sequence[Chunk], made: Read, first: int
) -> None:
    draw, lines, puts = np.random.default_rng(first), [], []
    for place, chunk in enumerate(of, first):
        record, like = digest(chunk.id)[:32], place % len(made.vectors)
        vector = made.vectors[like] + _MOVED * draw.standard_normal(made.model.dimension) / made.model.dimension**0.5
        vector /= np.linalg.norm(vector)
        key = VectorKey(_TENANT, chunk.document_id, record, made.model.revision[:12])
        puts.append(VectorPut(key, _VERSION, made.model.ref, vector.astype("<f4").tobytes()))
        added = {"version": _VERSION, "vectors": True, "sparse": feature_weights(made.sparse[like])}
        lines += [{"index": {"_index": TenantNames(_TENANT).chunks, "_id": record}}, chunk_source(chunk) | added]
    answer = await server.call("POST", "/_bulk", body=b"".join(orjson.dumps(line) + b"\n" for line in lines))
    if answer["errors"] or any(await changelog.write([[put] for put in puts])):
        raise RuntimeError("not everything was written")


async def ask(url: str, texts: Iterator[str], arms: Sequence[Arm], seconds: float) -> list[Answer]:
    """The answers to the queries of so many seconds."""
    began = perf_counter()

    async def one(number: int, text: str) -> Answer:
        due = began + number / _RATE
        await asyncio.sleep(due - perf_counter())
        answer = await http.post(SEARCH_PATH, json={"tenant": _TENANT, "query": text, "arms": list(arms)})
        took = perf_counter() - due
        return took, HybridPage.model_validate_json(answer.content) if answer.is_success else None

    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        numbered = enumerate(islice(texts, round(seconds * _RATE)))
        return await asyncio.gather(*(one(number, text) for number, text in numbered))


async def measure(url: str, texts: Iterator[str], rounds: int, seconds: float) -> dict[str, Measured]:
    """Each arm alone and all of them, by turns, once the servers are warm."""
    asked: dict[str, Sequence[Arm]] = {**{arm.value: [arm] for arm in Arm}, _WHOLE: list(Arm)}
    found: dict[str, list[Answer]] = {name: [] for name in asked}
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        for text in islice(texts, _WARMING):  # one after the other: a cold JVM does not keep up with the rate
            await http.post(SEARCH_PATH, json={"tenant": _TENANT, "query": text})
    for _ in range(rounds):
        for name, arms in asked.items():
            found[name] += await ask(url, texts, arms, seconds)
    return {name: _measured(answers) for name, answers in found.items()}


def _measured(answers: Sequence[Answer]) -> Measured:
    whole = [page for _, page in answers if page is not None and not page.partial]
    names = sorted({part for page in whole for part in page.took_ms})
    parts = {name: round(median(page.took_ms[name] for page in whole), 1) for name in names}
    return Measured(percentiles([seconds for seconds, _ in answers]), parts, len(answers) - len(whole))


async def run(bed: Bed, size: int, rounds: int, seconds: float, say: Callable[[str], None]) -> dict[str, Measured]:
    """Fill the stores, start a node, and measure."""
    of = chunks(size)
    step = max(1, len(of) // _READ)
    made = await read(of[::step][:_READ])
    say(f"{len(made.vectors)} chunks were read by the models")
    await asyncio.to_thread(bed.stack.up, ["opensearch"])
    opensearch = bed.stack.environment()["MK_OPENSEARCH_URL"]
    await fill(bed.kafka, opensearch, of, made)
    say(f"{len(of)} chunks are in the index and in the changelog")
    port = free_port()
    os.environ |= {"MK_SEARCH_PORT": str(port), "MK_ACCELERATOR": "cpu"}
    await asyncio.to_thread(bed.service, "search", "medkg_search_service.app")
    return await measure(f"http://127.0.0.1:{port}", queries(of), rounds, seconds)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what it measured.

    Returns:
        The exit code: 1 when the target is missed.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.search", description=__doc__)
    parser.add_argument("--chunks", type=int, default=_CHUNKS, help="that the node has")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="turns that are measured")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="of each arm in a turn")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON as well")
    options = parser.parse_args(arguments)
    load, began = os.getloadavg()[0], perf_counter()

    def say(line: str) -> None:
        print(f"{perf_counter() - began:6.1f} s  {line}", flush=True)

    with Bed(say) as bed:
        measured = asyncio.run(run(bed, options.chunks, options.rounds, options.seconds, say))
    for name, each in measured.items():
        parts = ", ".join(f"{part} {ms} ms" for part, ms in each.parts.items())
        print(f"{name:8} p50 {each.ms.p50:6.1f} ms, p95 {each.ms.p95:6.1f} ms, lacking {each.lacking}; medians {parts}")
    ratio = measured[_WHOLE].ms.p95 / max(measured[arm].ms.p95 for arm in Arm)
    print(f"p95 of all arms, by the slowest arm's: {ratio:.2f}, wanted {MOST_OF_SLOWEST:g}; load before: {load:.1f}")
    if options.json:
        report = {"ratio": ratio, "measured": {name: asdict(each) for name, each in measured.items()}}
        options.json.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    return 0 if ratio <= MOST_OF_SLOWEST and not any(each.lacking for each in measured.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
