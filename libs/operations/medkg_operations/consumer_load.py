"""How a stage's work is shared among its consumers: what each holds, and what it did lately. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from medkg_bus.cluster import Member, TopicPartition
from medkg_bus.instance import instance_of
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import StageResult
from medkg_contracts.errors import PoisonRecord
from medkg_contracts.events import read_data
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.topics import group, queue
from medkg_stagekit.lifecycle_events import source_of


@dataclass(slots=True)
class WorkDone:
    """What somebody did within a time.

    Attributes:
        jobs: runs of the stage that ended, completed or failed; one that was repeated counts once.
        worked_ms: how long these took, together.
        first: when the first of them began.
        last: when the last of them ended.
    """

    jobs: int = 0
    worked_ms: float = 0.0
    first: datetime | None = None
    last: datetime | None = None

    def add(self, ended: datetime, took_ms: float) -> None:
        """Count a run that ended then."""
        began = ended - timedelta(milliseconds=took_ms)
        self.jobs += 1
        self.worked_ms += took_ms
        self.first = began if self.first is None else min(self.first, began)
        self.last = ended if self.last is None else max(self.last, ended)

    @property
    def mean_ms(self) -> float | None:
        """How long a run took."""
        return self.worked_ms / self.jobs if self.jobs else None

    @property
    def per_s(self) -> float | None:
        """Runs a second, between the beginning of the first and the end of the last."""
        if self.first is None or self.last is None or self.last <= self.first:
            return None
        return self.jobs / (self.last - self.first).total_seconds()


@dataclass(frozen=True, slots=True)
class ConsumerLoad:
    """A consumer of a stage, or one that was.

    Attributes:
        name: its instance name.
        member: it is in the group now.
        partitions: the numbers of the queue's partitions that it reads.
        lag: records of those that it has not finished.
        work: what it did.
    """

    name: str
    member: bool
    partitions: tuple[int, ...]
    lag: int
    work: WorkDone


@dataclass(frozen=True, slots=True)
class StageLoad:
    """A stage and its consumers.

    Attributes:
        partitions: of its queue; more consumers than that have nothing to do.
        lag: records of the queue that are not finished, those of partitions that nobody reads included.
        total: what all consumers did.
    """

    stage: str
    partitions: int
    lag: int
    consumers: tuple[ConsumerLoad, ...]
    total: WorkDone


@dataclass(slots=True)
class EndedRuns:
    """The runs that ended, by stage service and by consumer; fed with lifecycle events."""

    by_consumer: dict[str, dict[str, WorkDone]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(WorkDone))
    )
    by_source: dict[str, WorkDone] = field(default_factory=lambda: defaultdict(WorkDone))
    _known: set[str] = field(default_factory=set)

    def hear(self, event: CloudEvent) -> None:
        """Take note of an event; all that do not say that a run has ended, or say it again, change nothing."""
        if kind_of(event) not in (Kind.STAGE_COMPLETED, Kind.STAGE_FAILED) or event.time is None:
            return
        if event.id in self._known:
            return
        try:
            result = read_data(event, StageResult)
        except PoisonRecord:
            return  # a claim check, or somebody else's data
        self._known.add(event.id)
        self.by_source[event.source].add(event.time, result.duration_ms)
        self.by_consumer[event.source][result.worker].add(event.time, result.duration_ms)


def load_of(stage: str, members: Iterable[Member], lags: Mapping[TopicPartition, int], done: EndedRuns) -> StageLoad:
    """What each consumer of the stage holds and did; consumers that are no members any more come last.

    Args:
        stage: the service.
        members: of its group.
        lags: of its queue's partitions.
        done: the work of the time that is asked about.
    """
    worked = dict(done.by_consumer.get(source_of(stage), {}))
    held: dict[str, list[TopicPartition]] = defaultdict(list)
    for member in members:
        mine = [partition for partition in member.partitions if partition.topic == queue(stage)]
        held[instance_of(group(stage), member.client_id)] += mine
    consumers = [
        ConsumerLoad(
            name,
            member=True,
            partitions=tuple(sorted(partition.partition for partition in mine)),
            lag=sum(lags.get(partition, 0) for partition in mine),
            work=worked.pop(name, WorkDone()),
        )
        for name, mine in sorted(held.items())
    ]
    gone = [ConsumerLoad(name, member=False, partitions=(), lag=0, work=work) for name, work in sorted(worked.items())]
    total = done.by_source.get(source_of(stage), WorkDone())
    return StageLoad(stage, len(lags), sum(lags.values()), (*consumers, *gone), total)


def lags_of(
    committed: Mapping[TopicPartition, int],
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> dict[TopicPartition, int]:
    """How many records of each partition are not finished; what is deleted by age is nobody's to finish."""
    return {each: end - max(committed.get(each, 0), starts.get(each, 0)) for each, end in ends.items()}


def as_data(loads: Sequence[StageLoad]) -> list[dict[str, object]]:
    """For programs."""
    return [
        {
            "stage": load.stage,
            "partitions": load.partitions,
            "lag": load.lag,
            **_work_data(load.total),
            "consumers": [
                {
                    "consumer": each.name,
                    "member": each.member,
                    "partitions": list(each.partitions),
                    "lag": each.lag,
                    **_work_data(each.work),
                }
                for each in load.consumers
            ],
        }
        for load in loads
    ]


def _work_data(work: WorkDone) -> dict[str, object]:
    rate, mean = work.per_s, work.mean_ms
    return {
        "jobs": work.jobs,
        "jobs_per_s": None if rate is None else round(rate, 3),
        "work_ms": None if mean is None else round(mean, 3),
    }
