"""Measures medkg against a bare relay of the same records, in one go: ``python -m tests.benchmarks.bench``."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Final

import orjson
from rich.console import Console

from . import measures, services
from .bed import Bed
from .report import Report, show


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is measured.

    Attributes:
        jobs: of each throughput measurement; the relay, several times as fast, gets three times as many.
        pairs: of runs that tell what policies cost.
        paced_s: seconds of the latency measurement.
        idle_s: seconds for which idle services are watched.
        documents: that go through the product's own stages.
        document_pairs: of runs that tell what vectors cost.
    """

    jobs: int = 5000
    pairs: int = 5
    paced_s: float = 20.0
    idle_s: float = 20.0
    documents: int = 300
    document_pairs: int = 2


_QUICK: Final = Extent(jobs=200, pairs=1, paced_s=3.0, idle_s=3.0, documents=20, document_pairs=1)
#: Columns that the tables need.
_WIDTH: Final = 110


async def measure(bed: Bed, extent: Extent) -> Report:
    """Run every measurement on a bed whose servers run."""
    jobs = extent.jobs
    load = os.getloadavg()[0]
    await asyncio.to_thread(measures.start_product, bed)
    await measures.product(bed, jobs)
    policies = await measures.policies(bed, jobs, extent.pairs)
    # Behind that, so that Kafka's JVM is as warm as it is for the relay.
    product = await measures.product(bed, jobs)
    latency = await measures.latency(bed, extent.paced_s)
    rules = await measures.capture(bed)
    await asyncio.to_thread(bed.stop)
    await asyncio.to_thread(measures.start_relay, bed, rules)
    await measures.floor(bed, jobs)
    relay = await measures.floor(bed, 3 * jobs)
    await asyncio.to_thread(bed.stop)
    profiles = await measures.profiles(bed, jobs)
    async with services.shipped(bed) as pids:
        idle = await services.idle(pids, extent.idle_s)
        documents = await services.documents(bed, pids, extent.documents, extent.document_pairs)
    records, size = measures.pattern_size(rules)
    return Report(
        cores=len(os.sched_getaffinity(0)),
        load_before=load,
        partitions=bed.partitions,
        records_per_job=records,
        bytes_per_job=size,
        product=product,
        policies_cost=policies,
        relay=relay,
        latency=latency,
        profiles=profiles,
        idle=idle,
        weights_mb=services.weights_mb(),
        documents=documents,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its report.

    Returns:
        The exit code: 1 when a target is missed.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench", description=__doc__)
    parser.add_argument("--jobs", type=int, help=f"jobs of the throughput measurement, by default {Extent.jobs}")
    parser.add_argument("--quick", action="store_true", help="run everything briefly: to see that it works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON as well")
    options = parser.parse_args(arguments)
    extent = _QUICK if options.quick else Extent()
    extent = replace(extent, jobs=options.jobs or extent.jobs)
    console = Console()
    console.width = max(console.width, _WIDTH)
    began = perf_counter()
    with Bed(lambda line: console.print(f"{perf_counter() - began:6.1f} s  {line}", highlight=False)) as bed:
        report = asyncio.run(measure(bed, extent))
    show(report, console)
    if options.json:
        options.json.write_bytes(orjson.dumps(report.to_json(), option=orjson.OPT_INDENT_2))
    missed = [each.name for each in report.verdicts if not each.reached]
    console.print(f"Missed: {', '.join(missed)}" if missed else "All targets reached")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
