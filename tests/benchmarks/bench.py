"""Measures medkg against a bare relay of the same records, in one go: ``python -m tests.benchmarks.bench``."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Final

import orjson
from rich.console import Console

from . import measures
from .bed import Bed
from .report import Report, show

_JOBS: Final = 5000
_QUICK_JOBS: Final = 200
_PACED_S: Final = 20.0
_IDLE_S: Final = 20.0
_QUICK_S: Final = 3.0
#: Of runs with and without policies.
_PAIRS: Final = 5
_QUICK_PAIRS: Final = 1
#: Columns that the tables need.
_WIDTH: Final = 110


async def measure(bed: Bed, jobs: int, pairs: int, paced_s: float, idle_s: float) -> Report:
    """Run every measurement.

    Args:
        bed: with its servers running.
        jobs: of each throughput measurement; the relay, several times as fast, gets three times as many.
        pairs: of runs that tell what policies cost.
        paced_s: seconds of the latency measurement.
        idle_s: seconds for which idle services are watched.
    """
    load = os.getloadavg()[0]
    await asyncio.to_thread(measures.start_product, bed)
    await measures.product(bed, jobs)
    policies = await measures.policies(bed, jobs, pairs)
    # Behind that, so that Kafka's JVM is as warm as it is for the relay.
    product = await measures.product(bed, jobs)
    latency = await measures.latency(bed, paced_s)
    rules = await measures.capture(bed)
    await asyncio.to_thread(bed.stop)
    await asyncio.to_thread(measures.start_relay, bed, rules)
    await measures.floor(bed, jobs)
    relay = await measures.floor(bed, 3 * jobs)
    await asyncio.to_thread(bed.stop)
    profiles = await measures.profiles(bed, jobs)
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
        idle=await measures.idle(bed, idle_s),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its report.

    Returns:
        The exit code: 1 when a target is missed.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench", description=__doc__)
    parser.add_argument("--jobs", type=int, help=f"jobs of the throughput measurement, by default {_JOBS}")
    parser.add_argument("--quick", action="store_true", help="run everything briefly: to see that it works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON as well")
    options = parser.parse_args(arguments)
    jobs = options.jobs or (_QUICK_JOBS if options.quick else _JOBS)
    pairs, paced_s, idle_s = (_QUICK_PAIRS, _QUICK_S, _QUICK_S) if options.quick else (_PAIRS, _PACED_S, _IDLE_S)
    console = Console()
    console.width = max(console.width, _WIDTH)
    began = perf_counter()
    with Bed(lambda line: console.print(f"{perf_counter() - began:6.1f} s  {line}", highlight=False)) as bed:
        report = asyncio.run(measure(bed, jobs, pairs, paced_s, idle_s))
    show(report, console)
    if options.json:
        options.json.write_bytes(orjson.dumps(report.to_json(), option=orjson.OPT_INDENT_2))
    missed = [each.name for each in report.verdicts if not each.reached]
    console.print(f"Missed: {', '.join(missed)}" if missed else "All targets reached")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
