"""The benchmark's report: tables for people, JSON for programs."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.shipped import STAGE_SERVICES

from .measures import RATE, Latency, Profile, Throughput
from .services import Documents, Idle
from .targets import Verdict, verdicts


@dataclass(frozen=True, slots=True)
class Report:
    """All that was measured in one run.

    Attributes:
        records_per_job: that a request leads to.
        bytes_per_job: of their values and headers.
        policies_cost: share of the throughput that breakers, rate limits and bounds on concurrency cost.
        weights_mb: of its model, by service that runs one.
        load_before: the machine's load average when the run began: what others were doing on it.
    """

    cores: int
    load_before: float
    partitions: int
    records_per_job: int
    bytes_per_job: int
    product: Throughput
    policies_cost: float
    relay: Throughput
    latency: Latency
    profiles: dict[str, Profile]
    idle: dict[str, Idle]
    weights_mb: dict[str, float]
    documents: Documents

    @property
    def share(self) -> float:
        """The product's jobs a second as a share of the relay's."""
        return self.product.jobs_per_s / self.relay.jobs_per_s

    @property
    def verdicts(self) -> list[Verdict]:
        """Every target with its measure."""
        return list(
            verdicts(
                jobs_per_s=self.product.jobs_per_s,
                share=self.share,
                policies_cost=self.policies_cost,
                p95_ms=self.latency.whole.p95,
                idle={name: each.core for name, each in self.idle.items()},
                rss_mb={name: self.idle[name].rss_mb for name in STAGE_SERVICES},
                weights_mb=self.weights_mb,
                share_with_vectors=self.documents.share,
            )
        )

    def to_json(self) -> dict[str, Any]:
        """The report as data, with the targets and whether they were reached."""
        judged = [{**asdict(each), "ratio": each.ratio, "reached": each.reached} for each in self.verdicts]
        shares = {"share_of_relay": self.share, "share_with_vectors": self.documents.share}
        return {**asdict(self), **shares, "targets": judged}


def show(report: Report, console: Console) -> None:
    """Print the report as tables."""
    console.print(
        f"{report.cores} cores, load {report.load_before:.2f} before the run, {report.partitions} partitions a topic; "
        f"a request leads to {report.records_per_job} records of {report.bytes_per_job:,} bytes in all"
    )
    for table in (_throughput(report), _cpu(report), _latency(report), _modules(report), _functions(report)):
        console.print(table)
    console.print(_idle(report))
    console.print(_documents(report))
    console.print(_targets(report))


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*row)
    return table


def _throughput(report: Report) -> Table:
    rows = [
        (name, f"{each.jobs:,}", f"{each.seconds:.1f}", f"{each.jobs_per_s:,.0f}", f"{share:.3f}")
        for name, each, share in (("medkg", report.product, report.share), ("bare relay", report.relay, 1.0))
    ]
    return _table("Throughput, all jobs at once", ("", "jobs", "seconds", "jobs/s", "of the relay"), rows)


def _cpu(report: Report) -> Table:
    used = {
        "medkg": report.product.cpu_ms_per_job,
        "bare relay": report.relay.cpu_ms_per_job,
        f"medkg at {RATE:g}/s": report.latency.cpu_ms_per_job,
    }
    names = list(dict.fromkeys(name for each in used.values() for name in each))
    rows = [(name, *(f"{each[name]:.2f}" if name in each else "" for each in used.values())) for name in names]
    rows.append(("all", *(f"{sum(each.values()):.2f}" for each in used.values())))
    return _table("Processor time a job, ms", ("process", *used), rows)


def _latency(report: Report) -> Table:
    measured = {"whole job": report.latency.whole, **report.latency.hops}
    rows = [
        (name, f"{each.p50:.1f}", f"{each.p95:.1f}", f"{each.p99:.1f}", f"{each.count:,}")
        for name, each in measured.items()
    ]
    return _table(f"Latency at {RATE:g} jobs/s, ms", ("", "p50", "p95", "p99", "of"), rows)


def _modules(report: Report) -> Table:
    names = list(dict.fromkeys(name for each in report.profiles.values() for name in each.modules))
    columns = [f"{name}, {unit}" for name in report.profiles for unit in ("%", "ms a job")]
    rows = []
    for module in names:
        cells = []
        for process, each in report.profiles.items():
            share = each.modules.get(module, 0.0)
            cells += [f"{share * 100:.1f}", f"{share * report.product.cpu_ms_per_job[process]:.3f}"]
        rows.append((module, *cells))
    return _table("Where the time goes, by package", ("package", *columns), rows)


def _functions(report: Report) -> Table:
    rows = [
        (process, name, f"{share * 100:.1f}")
        for process, each in report.profiles.items()
        for name, share in each.functions.items()
    ]
    return _table("Heaviest functions", ("process", "function", "%"), rows)


def _idle(report: Report) -> Table:
    rows = []
    for name, each in report.idle.items():
        weights = f"{report.weights_mb[name]:.0f}" if name in report.weights_mb else ""
        rows.append((name, f"{each.core * 100:.2f}", f"{each.rss_mb:.0f}", weights))
    return _table("With nothing to do", ("service", "% of a core", "RSS, MB", "of it weights, MB"), rows)


def _documents(report: Report) -> Table:
    both = {"without vectors": report.documents.words, "with vectors, from memory": report.documents.vectors}
    rows = [
        (
            name,
            f"{each.jobs:,}",
            f"{each.jobs_per_s:,.0f}",
            f"{each.jobs_per_s / report.documents.words.jobs_per_s:.3f}",
            f"{sum(each.cpu_ms_per_job.values()):.1f}",
        )
        for name, each in both.items()
    ]
    return _table("Documents through the product's stages", ("", "jobs", "jobs/s", "share", "CPU ms a job"), rows)


def _targets(report: Report) -> Table:
    rows = [
        (
            each.name,
            f"{each.measured:.3g} {each.unit}",
            f"{'>=' if each.at_least else '<='} {each.target:g} {each.unit}",
            f"{each.ratio:.2f}",
            "reached" if each.reached else "MISSED",
        )
        for each in report.verdicts
    ]
    return _table("Targets", ("target", "measured", "wanted", "measured/wanted", ""), rows)
