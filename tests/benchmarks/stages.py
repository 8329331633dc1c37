"""Measures how long the stages of `auto` take for a real document: ``python -m tests.benchmarks.stages FOLDER…``.

Each file of the folders is one document: a study of ClinicalTrials.gov (``.json``), or an article in JATS (``.xml``,
``.nxml``), the paragraphs of which become one text. They go one after the other through the stages as their services
run them, worker processes and artifact store included, without Kafka. Reported are percentiles of the clock, which the
targets are for, and of processor time, which others on the machine disturb less: divided by the processors, that is
about what the clock would say of a stage that keeps all of them busy.
"""

import argparse
import asyncio
import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias
from xml.etree import ElementTree as ET

import orjson
import yaml
from medkg_artifacts import ArtifactStore
from medkg_contracts.errors import ConfigurationError
from medkg_contracts.ir import RawPayload
from medkg_contracts.model import OptionValue
from medkg_contracts.policy import Policy
from medkg_stagekit.service import installed_stages
from medkg_stagekit.stage_harness import Example, StageHarness

from .latency import percentile
from .usage import cpu_seconds

#: The stages that are measured, in their order: `index` needs its servers, and is measured with them.
STAGES: Final = ("parse", "validate", "chunk", "embed", "splade")
#: The most that 95 of 100 documents may take, in seconds.
MAX_P95_S: Final[Mapping[str, float]] = {"chunk": 2.0, "embed": 5.0}

_AUTO: Final = Path("topologies/pipelines/auto.yaml")
_TENANT: Final = "public"
_POLICY: Final = Policy(timeout_s=600)


#: A topology's options, by service.
Options: TypeAlias = Mapping[str, Mapping[str, OptionValue]]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a stage took for a document, in seconds."""

    clock_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Document:
    """What became of a file.

    Attributes:
        chunks: how many chunks it has.
        taken: by stage.
        error: why a stage failed; it is the last of those in `taken`.
    """

    name: str
    chunks: int
    taken: dict[str, Taken]
    error: str | None = None


def payloads(folders: Sequence[Path]) -> Iterator[tuple[str, RawPayload]]:
    """The documents of the folders, with their files' names.

    Raises:
        ConfigurationError: there are none.
    """
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in _READERS)
    if not files:
        raise ConfigurationError(f"no .json, .xml or .nxml in {', '.join(map(str, folders))}")
    for path in files:
        if (payload := _READERS[path.suffix](path)) is not None:
            yield path.name, payload


def _study(path: Path) -> RawPayload | None:
    body = path.read_text()
    match orjson.loads(body):
        case {"protocolSection": {"identificationModule": {"nctId": str(name)}}}:
            return _payload("ctgov", name, body)
    return None


def _article(path: Path) -> RawPayload | None:
    try:
        root = ET.parse(path).getroot()  # noqa: S314 - files that whoever measures has chosen
    except ET.ParseError:
        return None
    paragraphs = [" ".join("".join(each.itertext()).split()) for each in root.iter("p")]
    title = root.find(".//article-title")
    row = {"_id": path.stem, "title": "" if title is None else "".join(title.itertext()), "text": "\n".join(paragraphs)}
    return _payload("beir", path.stem, orjson.dumps(row).decode()) if any(paragraphs) else None


_READERS: Final = {".json": _study, ".xml": _article, ".nxml": _article}


def _payload(source: str, name: str, body: str) -> RawPayload:
    sha256 = hashlib.sha256(body.encode()).hexdigest()
    return RawPayload(
        source=source, source_id=name, uri=f"file:{name}", media_type="application/json", body=body, sha256=sha256
    )


async def measure(given: Sequence[tuple[str, RawPayload]]) -> list[Document]:
    """Sends the documents through the stages."""
    services = installed_stages()
    async with AsyncExitStack() as stack:
        store = ArtifactStore(Path(stack.enter_context(TemporaryDirectory())))
        stages = {}
        for name in STAGES:
            binding, pool = await services[name].open(stack)
            stages[name] = StageHarness(binding, store, _TENANT, pool)
        options = _options()
        await _one(stages, options, *given[0])  # models are loaded, and processes started
        return [await _one(stages, options, name, payload) for name, payload in given]


def _options() -> Options:
    """What the topology tells each service."""
    stages = yaml.safe_load(_AUTO.read_text())["stages"]
    return {stage.get("service", stage["name"]): stage.get("options", {}) for stage in stages}


async def _one(stages: Mapping[str, StageHarness], options: Options, name: str, payload: RawPayload) -> Document:
    artifacts: dict[str, Any] = {"payloads": [payload]}
    taken: dict[str, Taken] = {}
    for stage, harness in stages.items():
        example = Example(artifacts, options=options.get(stage, {}))
        work = await harness.work(example, f"{stage}-of-{name}", policy=_POLICY)
        before = _family_cpu_s()
        (outcome,) = await harness.run(work)
        taken[stage] = Taken(outcome.duration_ms / 1000, _family_cpu_s() - before)
        if outcome.error is not None:
            error = f"{stage}: {outcome.error.code}: {outcome.error}"
            return Document(name, len(artifacts.get("chunks", ())), taken, error)
        for output, body in (await harness.made(outcome)).items():
            for other in stages.values():
                if output in other.binding.inputs:
                    artifacts[output] = other.binding.inputs[output].read(body)
    return Document(name, len(artifacts["chunks"]), taken)


def _family_cpu_s() -> float:
    """Processor time of this process and of those that it has started."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        parents.setdefault(parent, []).append(int(folder.name))
    family = [os.getpid()]
    for pid in family:
        family += parents.get(pid, ())
    return sum(map(cpu_seconds, family))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what it measured.

    Returns:
        The exit code: 1 when a target is missed, or a document fails.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.stages", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--limit", type=int, help="measure so many documents, taken evenly from all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON as well")
    options = parser.parse_args(arguments)
    os.environ["MK_ACCELERATOR"] = "cpu"
    given = list(payloads(options.folders))
    given = given[:: max(1, -(-len(given) // (options.limit or len(given))))]
    load = os.getloadavg()[0]
    documents = asyncio.run(measure(given))
    failed = [each for each in documents if each.error is not None]
    for each in failed:
        print(f"{each.name}: {each.error}")
    chunks = sorted(each.chunks for each in documents)
    print(f"{len(documents)} documents of {chunks[0]} to {chunks[-1]} chunks; load before: {load:.1f}")
    print(f"{'':10}{'p50 s':>8}{'p95 s':>8}{'max s':>8}{'CPU p50':>9}{'CPU p95':>9}{'CPU max':>9}  wanted p95")
    missed = bool(failed)
    for stage in STAGES:
        taken = [each.taken[stage] for each in documents if stage in each.taken]
        clock, cpu = [each.clock_s for each in taken], [each.cpu_s for each in taken]
        clocks = "".join(f"{value:8.2f}" for value in _spread(clock))
        wanted = MAX_P95_S.get(stage)
        missed = missed or (wanted is not None and percentile(clock, 0.95) > wanted)
        print(f"{stage:10}{clocks}{''.join(f'{each:9.2f}' for each in _spread(cpu))}  {wanted or ''}")
    if options.json:
        options.json.write_bytes(orjson.dumps([asdict(each) for each in documents], option=orjson.OPT_INDENT_2))
    return int(missed)


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    return percentile(values, 0.5), percentile(values, 0.95), max(values)


if __name__ == "__main__":
    sys.exit(main())
