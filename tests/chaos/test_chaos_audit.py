"""The audit finds what is planted, and nothing where all is well."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import StageResult
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_ledger import JobState, JobStatus, NodeState, NodeStatus

from .audit import Evidence, Findings, Holdings, audit

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JOB = JobState(
    job_id="a", tenant_id="t", doc_id="d", correlation_id="a", status=JobStatus.COMPLETED, created_at=1, updated_at=2,
    nodes={"parse": NodeState(status=NodeStatus.COMPLETED, epoch=1)},
)  # fmt: skip


def event(kind: Kind, id_: str, *, epoch: int = 1, made: str = "1") -> CloudEvent:
    """An event about job ``a``, of stage ``parse`` where the kind is a stage's."""
    about = {"stage": "parse", "epoch": str(epoch)} if kind.name.startswith("STAGE") else {}
    ref = ArtifactRef(name="document", sha256=made * 64, size=1, value=0)
    data = StageResult(artifacts={"document": ref}) if kind is Kind.STAGE_COMPLETED else None
    return make_event(kind, id=id_, source="/t", time=NOW, data=data, job_id="a", extensions=about)


ACCEPTED = event(Kind.JOB_ACCEPTED, "0")
STARTED = event(Kind.STAGE_STARTED, "1")
COMPLETED = event(Kind.STAGE_COMPLETED, "2")
ENDED = event(Kind.JOB_COMPLETED, "3")
OTHERWISE = event(Kind.STAGE_COMPLETED, "2", made="2")
LATER = event(Kind.STAGE_COMPLETED, "6", epoch=2)
WELL = Evidence(
    submitted=frozenset("a"),
    states={"a": JOB},
    events=[ACCEPTED, STARTED, COMPLETED, ENDED],
    holdings=[Holdings("index", frozenset({"x", "y"}), ["x", "y"])],
    letters=[],
)


def test_nothing_is_found_where_all_is_well() -> None:
    """What is there is what should be."""
    assert Findings([], [], []) == audit(WELL)


def test_a_repeated_execution_is_no_second_effect() -> None:
    """The same event twice, with the same id and the same artifacts, is one effect."""
    assert Findings([], [], []) == audit(replace(WELL, events=[*WELL.events, STARTED, COMPLETED]))


def test_a_cancelled_job_may_end_so() -> None:
    """A job that somebody cancelled is not lost, and what it left behind is not too much; unasked, it is lost."""
    left = replace(
        WELL,
        states={"a": JOB.model_copy(update={"status": JobStatus.CANCELLED})},
        holdings=[Holdings("index", frozenset(), ["x"], frozenset("x"))],
    )

    assert Findings([], [], []) == audit(replace(left, withdrawn=frozenset("a")))
    assert Findings(["a is cancelled at None"], [], []) == audit(left)


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        ({"submitted": frozenset("ab")}, "b is not in the ledger"),
        ({"states": {"a": JOB.model_copy(update={"status": JobStatus.RUNNING})}}, "a is running at None"),
        ({"holdings": [Holdings("index", frozenset({"x", "y"}), ["x"])]}, "index: y is missing"),
        ({"letters": ["a", "a"]}, "a has a dead letter"),
        ({"withdrawn": frozenset("a")}, "none of 1 cancelled jobs was"),
        ({"undone": ["records remain"]}, "records remain"),
    ],
)
def test_losses_are_found(changes: dict[str, object], lost: str) -> None:
    """A job that is not there, that has not completed or that was buried, and a missing thing, are lost."""
    assert Findings([lost], [], []) == audit(replace(WELL, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "duplicated"),
    [
        (
            {"states": {"a": JOB, "z": JOB.model_copy(update={"nodes": {}, "status": JobStatus.RUNNING})}},
            "z is in the ledger, unasked",
        ),
        ({"events": [*WELL.events, event(Kind.JOB_COMPLETED, "4")]}, "a has 2 events job.completed"),
        ({"events": [*WELL.events, event(Kind.STAGE_COMPLETED, "5")]}, "a parse, epoch 1: took effect 2 times"),
        ({"events": [*WELL.events, OTHERWISE]}, "a parse, epoch 1: took effect 2 times"),
        ({"events": [*WELL.events, LATER]}, "a parse: completed in epoch 2, the ledger has 1"),
        ({"holdings": [Holdings("index", frozenset("x"), ["x", "w"])]}, "index: w should not be"),
        ({"holdings": [Holdings("index", frozenset("x"), ["x", "x"])]}, "index: x is there 2 times"),
    ],
)
def test_duplicates_are_found(changes: dict[str, object], duplicated: str) -> None:
    """A second effect shows in the ledger, in the events or in what is kept."""
    found = audit(replace(WELL, **changes))  # type: ignore[arg-type]

    assert ([], [duplicated], []) == (found.lost, [line.partition(": [")[0] for line in found.duplicated], found.unseen)


@pytest.mark.parametrize(
    ("missing", "unseen"),
    [
        (ACCEPTED, "a: no job.accepted"),
        (STARTED, "a parse, epoch 1: no stage.started"),
        (COMPLETED, "a parse, epoch 1: no stage.completed"),
        (ENDED, "a: no job.completed"),
    ],
)
def test_what_no_event_tells_is_found(missing: CloudEvent, unseen: str) -> None:
    """A job or stage that the ledger has as completed, and that no event tells of, is unseen."""
    events = [each for each in WELL.events if each is not missing]

    assert Findings([], [], [unseen]) == audit(replace(WELL, events=events))
