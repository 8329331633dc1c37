"""What the benchmark has to reach, as the project's description states it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

#: Jobs a second through eight stages that do nothing, on two cores with the broker on the same machine.
MIN_JOBS_PER_S: Final = 350.0
#: The same, as a share of what a bare relay of the same records does.
MIN_SHARE_OF_RELAY: Final = 0.23
#: What policies with all their parts may cost, as a share of the throughput without.
MAX_POLICIES_COST: Final = 0.05
#: A whole job at 20 jobs a second, 95th percentile.
MAX_JOB_P95_MS: Final = 150.0
#: Of one core, for each service that has nothing to do.
MAX_IDLE_CORE: Final = 0.02
#: Of a stage service before its models.
MAX_STAGE_RSS_MB: Final = 120.0
#: What one that runs a model in process may take besides: for OpenVINO and the tokenizer (140 MB measured), and for
#: each MB of weights (1.7 measured: the file's 32 bits a number, and 16 more as the processor computes with them).
MAX_RUNTIME_RSS_MB: Final = 200.0
MAX_RSS_PER_WEIGHTS: Final = 2.0
#: Jobs a second with vectors whose models answer from memory, as a share of those of the same documents without.
MIN_SHARE_WITH_VECTORS: Final = 0.5
#: Claims a second that are written to the graph, and a two-hop neighbourhood with its evidence in a graph of a million,
#: 95th percentile; on two cores (`graph`).
MIN_EDGES_PER_S: Final = 5_000.0
MAX_NEIGHBOURS_P95_MS: Final = 100.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target and what was measured.

    Attributes:
        at_least: whether the target is the least that is wanted; otherwise it is a bound that must not be reached.
    """

    name: str
    measured: float
    target: float
    unit: str
    at_least: bool

    @property
    def reached(self) -> bool:
        """Whether it is good enough."""
        return self.measured >= self.target if self.at_least else self.measured <= self.target

    @property
    def ratio(self) -> float:
        """Measured to target."""
        return self.measured / self.target


def verdicts(
    *,
    jobs_per_s: float,
    share: float,
    policies_cost: float,
    p95_ms: float,
    idle: Mapping[str, float],
    rss_mb: Mapping[str, float],
    weights_mb: Mapping[str, float],
    share_with_vectors: float,
) -> Iterator[Verdict]:
    """Every target with its measure.

    Args:
        jobs_per_s: of medkg.
        share: of the relay's jobs a second.
        policies_cost: share of the throughput.
        p95_ms: of a whole job at 20 jobs a second.
        idle: share of a core by service.
        rss_mb: memory by stage service.
        weights_mb: of its model, by stage service that runs one.
        share_with_vectors: of the jobs a second without.
    """
    yield Verdict("throughput", jobs_per_s, MIN_JOBS_PER_S, "jobs/s", at_least=True)
    yield Verdict("share of the bare relay", share, MIN_SHARE_OF_RELAY, "", at_least=True)
    yield Verdict("cost of policies", policies_cost * 100, MAX_POLICIES_COST * 100, "%", at_least=False)
    yield Verdict("whole job, p95", p95_ms, MAX_JOB_P95_MS, "ms", at_least=False)
    for service, core in idle.items():
        yield Verdict(f"idle {service}", core * 100, MAX_IDLE_CORE * 100, "% of a core", at_least=False)
    for service, size in rss_mb.items():
        bound = MAX_STAGE_RSS_MB
        if service in weights_mb:
            bound += MAX_RUNTIME_RSS_MB + MAX_RSS_PER_WEIGHTS * weights_mb[service]
        yield Verdict(f"memory {service}", size, round(bound), "MB", at_least=False)
    yield Verdict("documents with vectors", share_with_vectors, MIN_SHARE_WITH_VECTORS, "", at_least=True)
