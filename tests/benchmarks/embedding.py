"""Measures stages that run a model against its own loop: ``python -m tests.benchmarks.embedding [embed] [splade]``.

Both compute the same texts, by turns, in this process: the loop takes token numbers to OpenVINO with nothing around it;
the stage reads chunks from an artifact store and writes vectors to it, batch by batch, as its service does. Reported is
the stage's share of the loop's texts a second, the same for texts per second of processor time, which others on the
machine disturb less, and how busy the processors were.
"""

import argparse
import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any, Final

import numpy as np
import openvino
import orjson
from medkg_artifacts import ArtifactStore
from medkg_contracts.ir import Chunk, Span
from medkg_contracts.policy import Policy
from medkg_embed.app import service as embed
from medkg_models import DEFAULT_DENSE, DenseModel, PackagedModel, fetched, named
from medkg_models.catalogue import DEFAULT_SPARSE
from medkg_models.sparse_graph import BertConfig, read_checkpoint, splade_graph
from medkg_splade.app import service as splade
from medkg_stagekit import StageService
from medkg_stagekit.stage_harness import Example, StageHarness
from medkg_stagekit.work import Work
from numpy.typing import NDArray
from tokenizers import Tokenizer

#: Texts a second of the stage, as a share of the loop's.
MIN_SHARE: Final = 0.9

_ROUNDS: Final = 5
_DOCUMENTS: Final = 32
_CHUNKS: Final = 8
_TENANT: Final = "public"
_WORDS: Final = """
    patients with heart failure and preserved ejection fraction were randomised to receive the angiotensin receptor
    neprilysin inhibitor or placebo twice daily for twelve weeks primary outcome was change from baseline in glycated
    haemoglobin adverse events serious renal impairment hypotension hyperkalaemia dose metformin insulin glucose trial
    """


@dataclass(frozen=True, slots=True)
class Measured:
    """One run.

    Attributes:
        texts_per_s: by the clock.
        texts_per_cpu_s: by second of processor time.
        busy: processor time as a share of what all processors had.
    """

    texts_per_s: float
    texts_per_cpu_s: float
    busy: float

    def __str__(self) -> str:
        return f"{self.texts_per_s:6.1f} texts/s, {self.texts_per_cpu_s:5.1f} a CPU second, busy {self.busy:4.0%}"


def texts(count: int) -> list[str]:
    """Texts of some 40 to 400 tokens, always the same."""
    draw = np.random.default_rng(1)
    known = np.array(_WORDS.split())
    lengths = np.clip(draw.lognormal(5.2, 0.5, count), 30, 300).astype(int)
    return [" ".join(draw.choice(known, length)) for length in lengths]


Inputs = dict[str, NDArray[np.int64]]


def dense_network(folder: Path) -> tuple[openvino.CompiledModel, Callable[[NDArray[np.int64]], Inputs]]:
    """The model that embeds, and how it is given a text."""
    weights = named(DEFAULT_DENSE, DenseModel).weights.name
    network = openvino.Core().compile_model(str(folder / weights), "CPU", _options("bf16"))
    return network, lambda ids: {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "token_type_ids": np.zeros_like(ids),
    }


def sparse_network(folder: Path) -> tuple[openvino.CompiledModel, Callable[[NDArray[np.int64]], Inputs]]:
    """The model that weighs terms, and how it is given a text."""
    config = BertConfig.model_validate_json((folder / "config.json").read_bytes())
    graph = splade_graph(read_checkpoint(folder / "model.safetensors"), config)
    return openvino.Core().compile_model(graph, "CPU", _options("f32")), lambda ids: {"input_ids": ids}


def _options(precision: str) -> dict[str, Any]:
    cores = len(os.sched_getaffinity(0))
    return {"INFERENCE_PRECISION_HINT": precision, "NUM_STREAMS": cores, "INFERENCE_NUM_THREADS": cores}


@dataclass(frozen=True, slots=True)
class Measurable:
    """A stage, and what its model's own loop is.

    Attributes:
        network: loads the model from its folder.
    """

    service: StageService
    model: str
    network: Callable[[Path], tuple[openvino.CompiledModel, Callable[[NDArray[np.int64]], Inputs]]]


STAGES: Final = {
    "embed": Measurable(embed, DEFAULT_DENSE, dense_network),
    "splade": Measurable(splade, DEFAULT_SPARSE, sparse_network),
}


def bare_loop(stage: Measurable, given: Sequence[str]) -> Callable[[], None]:
    """Computes the texts with nothing but the tokenizer and OpenVINO, a thread a processor."""
    model = named(stage.model, PackagedModel)
    folder = fetched(model)
    tokenizer = Tokenizer.from_file(str(folder / model.tokenizer.name))
    tokenizer.no_padding()
    network, inputs = stage.network(folder)
    local = threading.local()
    pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))

    def one(ids: list[int]) -> None:
        if not hasattr(local, "request"):
            local.request = network.create_infer_request()
        local.request.infer(inputs(np.array([ids])), share_inputs=True, share_outputs=True)

    def run() -> None:
        list(pool.map(one, sorted((each.ids for each in tokenizer.encode_batch(given)), key=len, reverse=True)))

    one(tokenizer.encode("warm").ids)
    return run


async def stage_works(harness: StageHarness, given: Sequence[str]) -> list[Work]:
    """The texts as jobs of some chunks each, in the artifact store."""
    documents = [given[start : start + _CHUNKS] for start in range(0, len(given), _CHUNKS)]
    policy = Policy(timeout_s=3600)
    return [
        await harness.work(
            Example({"chunks": [_chunk(text, place) for place, text in enumerate(document)]}), f"job-{n}", policy=policy
        )
        for n, document in enumerate(documents)
    ]


def _chunk(text: str, ordinal: int) -> Chunk:
    return Chunk(
        id=f"chunk-{ordinal}",
        document_id="bench:1",
        document_title="",
        source="bench",
        section_id="s1",
        section_type="body",
        section_title="Body",
        ordinal=ordinal,
        text=text,
        span=Span(start=0, end=len(text)),
        token_count=len(text.split()),
    )


async def measure(stage: Measurable, rounds: int, documents: int) -> list[tuple[Measured, Measured]]:
    """Pairs of the loop and the stage, one after the other."""
    given, service = texts(documents * _CHUNKS), stage.service
    loop = bare_loop(stage, given)
    pairs = []
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        binding, pool = await service.open(stack)
        harness = StageHarness(binding, ArtifactStore(Path(folder)), _TENANT, pool)
        works = await stage_works(harness, given)
        size = service.batch_records
        batches = [works[start : start + size] for start in range(0, len(works), size)]

        async def staged() -> None:
            for batch in batches:
                for outcome in await harness.run(*batch):
                    if outcome.error is not None:
                        raise outcome.error

        for turn in range(rounds + 1):
            bare = await _timed(lambda: asyncio.to_thread(loop), len(given))
            through = await _timed(staged, len(given))
            if turn:  # the first is for shapes that were not seen yet
                pairs.append((bare, through))
    return pairs


async def _timed(work: Callable[[], Awaitable[None]], count: int) -> Measured:
    began, used = perf_counter(), process_time()
    await work()
    took, used = perf_counter() - began, process_time() - used
    return Measured(count / took, count / used, used / took / len(os.sched_getaffinity(0)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what it measured.

    Returns:
        The exit code: 1 when the target is missed.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.embedding", description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"which of {', '.join(STAGES)}; by default all")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="pairs of runs that are measured")
    parser.add_argument("--documents", type=int, default=_DOCUMENTS, help=f"of {_CHUNKS} chunks each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON as well")
    options = parser.parse_args(arguments)
    if unknown := set(options.stages) - set(STAGES):
        parser.error(f"there is no stage {', '.join(sorted(unknown))}; there are {', '.join(STAGES)}")
    os.environ["MK_ACCELERATOR"] = "cpu"
    report = {name: _measured(name, options) for name in options.stages or STAGES}
    if options.json:
        options.json.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    return 0 if all(each["share"] >= MIN_SHARE for each in report.values()) else 1


def _measured(name: str, options: argparse.Namespace) -> dict[str, Any]:
    load = os.getloadavg()[0]
    pairs = asyncio.run(measure(STAGES[name], options.rounds, options.documents))
    share = median(through.texts_per_s / bare.texts_per_s for bare, through in pairs)
    cpu_share = median(through.texts_per_cpu_s / bare.texts_per_cpu_s for bare, through in pairs)
    for bare, through in pairs:
        print(f"{name:6} loop {bare}   stage {through}")
    print(f"{name:6} share of the loop's texts/s, median of {len(pairs)}: {share:.2f}, wanted {MIN_SHARE:g}")
    print(f"{name:6} share of its texts per second of processor time: {cpu_share:.2f}; load before: {load:.1f}")
    return {"share": share, "cpu_share": cpu_share, "pairs": [[asdict(each) for each in pair] for pair in pairs]}


if __name__ == "__main__":
    sys.exit(main())
