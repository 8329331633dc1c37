"""The direct strategy: whole jobs in one process."""

# ruff: noqa: D102 - the methods are those that every stage has

from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import ClassVar

import orjson
import pytest
from medkg_artifacts import ArtifactStore
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.errors import (
    ConfigurationError,
    InvalidDocument,
    ResourceUnavailable,
    SourceUnavailable,
    TopologyUnknown,
)
from medkg_contracts.events import make_event
from medkg_contracts.ids import batch_item_id
from medkg_contracts.kinds import Kind
from medkg_contracts.policy import Policy
from medkg_contracts.requests import JobRequest
from medkg_contracts.settings import Settings
from medkg_contracts.stages import StageContext
from medkg_directrun import DirectRun
from medkg_ledger.state import JobStatus, NodeStatus
from medkg_stagekit import StageService
from medkg_topology.plan import GateNode, Plan, StageNode

from .stages import Choir, Shout, Unfold

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    """An empty artifact store."""
    return ArtifactStore(tmp_path)


class Say:
    """The request's id is the word."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("word",)

    async def execute(self, ctx: StageContext, request: JobRequest) -> str:  # noqa: ARG002
        return request.id or ""


def made(stage: object):
    return lambda _: stage


SAY = StageNode(name="say", type="Stage", service="say", outputs=("word",))
SHOUT = StageNode(
    name="shout",
    type="Stage",
    service="shout",
    depends_on=("say",),
    inputs=("word",),
    outputs=("shout",),
    policy=Policy(attempts=2),
)
PLAN = Plan(name="shouting", version="1", nodes=(SAY, SHOUT))
BATCH = Plan(
    name="batch",
    version="1",
    nodes=(StageNode(name="unfold", type="Stage", service="unfold", outputs=("expansion",)),),
)


def gated(on_timeout: str) -> Plan:
    gate = GateNode(
        name="approval", event_topic="approvals.v1", depends_on=("say",), deadline_s=86_400, on_timeout=on_timeout
    )
    after = SHOUT.model_copy(update={"depends_on": ("say", "approval")})
    return Plan(name="gated", version="1", nodes=(SAY, gate, after))


def requested(request: JobRequest, job_id: str = "j-1") -> CloudEvent:
    return make_event(Kind.JOB_REQUESTED, id=f"r-{job_id}", source="/test", time=NOW, data=request, job_id=job_id)


async def ran(store, *requests: CloudEvent, plan: Plan = PLAN, **stages):
    """The jobs' states by id, and the lifecycle events in order."""
    made_of = {"say": Say(), "shout": Shout(), **stages}
    services = {name: StageService(name, made(stage), Settings) for name, stage in made_of.items()}
    heard: list[CloudEvent] = []

    def resolve(request: JobRequest) -> Plan:
        if request.source == "nowhere":
            raise TopologyUnknown("no topology takes 'nowhere'")
        return BATCH if request.is_batch else plan

    async with DirectRun(services, store, resolve, heard.append) as run:
        return await run.run(requests), heard


def kinds(events) -> list[str]:
    return [".".join(event.type.split(".")[-2:]) for event in events]


async def test_a_job_runs_to_its_end(store):
    """A request's job runs through its topology, with the same events as over Kafka."""
    states, heard = await ran(store, requested(JobRequest(source="ctgov", id="hello")))

    assert JobStatus.COMPLETED == states["j-1"].status
    assert "HELLO" == states["j-1"].artifacts["shout"].value
    assert [
        "job.accepted",
        "stage.started",
        "stage.completed",
        "stage.started",
        "stage.completed",
        "job.completed",
    ] == kinds(heard)


async def test_a_failing_stage_fails_its_job_alone(store):
    """One job's failure leaves the others of the same batch as they are."""
    stage = Choir(lambda _, word: InvalidDocument("no") if word == "bad" else word.upper())
    requests = [requested(JobRequest(source="ctgov", id=word), f"j-{word}") for word in ("one", "bad", "two")]

    states, heard = await ran(store, *requests, shout=stage)

    assert ["completed", "failed", "completed"] == [state.status for state in states.values()]
    assert ("shout", "document_invalid") == (states["j-bad"].failed_stage, states["j-bad"].error.code)
    assert 1 == kinds(heard).count("job.failed")


async def test_a_stage_is_told_what_the_topology_asks_of_it(store):
    """A stage's options reach it as they do over Kafka."""

    class Repeating(Shout):
        options: ClassVar[tuple[str, ...]] = ("times",)

    asking = Plan(name="asking", version="1", nodes=(SAY, SHOUT.model_copy(update={"options": {"times": 2}})))
    stage = Repeating(lambda ctx, word: word.upper() * int(ctx.options["times"]))
    states, _ = await ran(store, requested(JobRequest(source="ctgov", id="hello")), plan=asking, shout=stage)

    assert "HELLOHELLO" == states["j-1"].artifacts["shout"].value


async def test_retries_are_heard(store):
    """A further try is told as it is over Kafka."""
    tries = iter([ResourceUnavailable("away"), "HELLO"])

    states, heard = await ran(
        store, requested(JobRequest(source="ctgov", id="hello")), shout=Shout(lambda *_: next(tries))
    )

    assert {"shout": 1} == states["j-1"].retry_count_per_stage
    assert "stage.retrying" in kinds(heard)


async def test_a_batch_becomes_its_items_jobs(store):
    """A query's items are jobs of their own, which run to their ends in the same run."""
    states, _ = await ran(store, requested(JobRequest(source="ctgov", query={"q": "x"}), "b-1"), unfold=Unfold(3))

    items = [batch_item_id("b-1", f"ctgov:{number}") for number in range(3)]

    assert ["b-1", *items] == list(states)
    assert ["completed"] * 4 == [state.status for state in states.values()]
    assert ["b-1"] * 3 == [states[item].batch_id for item in items]


@pytest.mark.parametrize(
    ("on_timeout", "status", "gate"),
    [("continue", JobStatus.COMPLETED, NodeStatus.EXPIRED), ("fail", JobStatus.FAILED, NodeStatus.FAILED)],
)
async def test_a_gate_expires_in_no_time(on_timeout, status, gate, store):
    """Where nothing else can happen, time jumps to a gate's deadline: a day is over at once."""
    began = monotonic()

    states, heard = await ran(store, requested(JobRequest(source="ctgov", id="hello")), plan=gated(on_timeout))

    assert (status, gate) == (states["j-1"].status, states["j-1"].nodes["approval"].status)
    assert ["gate.waiting", "gate.expired"] == [kind for kind in kinds(heard) if kind.startswith("gate.")]
    assert monotonic() - began < 10


async def test_a_deferred_stage_is_tried_again_in_no_time(store):
    """A stage that is put off by an hour is asked for again as its next epoch, and its attempts go on."""
    results = iter([SourceUnavailable("busy", retry_after=3600), "HELLO"])
    shout = Shout(lambda *_: next(results))
    began = monotonic()

    states, heard = await ran(store, requested(JobRequest(source="ctgov", id="hello")), shout=shout)

    assert (JobStatus.COMPLETED, 2) == (states["j-1"].status, states["j-1"].nodes["shout"].epoch)
    assert [(1, 1), (2, 2)] == [(ctx.epoch, ctx.attempt) for ctx in shout.calls]
    assert 1 == kinds(heard).count("stage.deferred")
    assert monotonic() - began < 10


async def test_a_request_that_no_topology_takes_is_rejected(store):
    """A rejected request is a job that says why, and the others go on."""
    requests = [
        requested(JobRequest(source="nowhere", id="1"), "j-1"),
        requested(JobRequest(source="ctgov", id="hello", until="nothing"), "j-2"),
        requested(JobRequest(source="ctgov", id="hello"), "j-3"),
    ]

    states, heard = await ran(store, *requests)

    assert ["rejected", "rejected", "completed"] == [state.status for state in states.values()]
    assert ["topology_unknown", "request_invalid"] == [states[job].error.code for job in ("j-1", "j-2")]
    assert 2 == kinds(heard).count("job.rejected")


async def test_a_request_twice_is_one_job(store):
    """The same job asked for twice runs once."""
    shout = Shout()

    states, _ = await ran(store, *[requested(JobRequest(source="ctgov", id="hello"))] * 2, shout=shout)

    assert (["j-1"], 1) == (list(states), len(shout.calls))


async def test_a_service_that_is_not_installed_is_named(store):
    """A topology whose stage nobody can run ends the run, with the stage and the service named."""
    plan = Plan(name="p", version="1", nodes=(SAY.model_copy(update={"service": "absent"}),))

    with pytest.raises(ConfigurationError, match="no service 'absent' is installed, so the stage 'say' cannot run"):
        await ran(store, requested(JobRequest(source="ctgov", id="hello")), plan=plan)


async def test_events_name_the_service_as_over_kafka(store):
    """A node whose name is not its service's tells its story under its service's name."""
    plan = Plan(name="p", version="1", nodes=(SAY.model_copy(update={"name": "speak"}),))

    _, heard = await ran(store, requested(JobRequest(source="ctgov", id="hello")), plan=plan)

    stage_events = [event for event in heard if event.type.startswith("org.medicalkg.orchestration.stage.")]
    assert {("/medkg/stages/say", "speak")} == {(event.source, event.extensions["stage"]) for event in stage_events}


async def test_stages_are_opened_once_and_closed(store):
    """A stage's clients live as long as the run."""

    class Open(Say):
        def __init__(self) -> None:
            self.log: list[str] = []

        async def open(self) -> None:
            self.log.append("open")

        async def close(self) -> None:
            self.log.append("close")

    say = Open()
    requests = [requested(JobRequest(source="ctgov", id="hello"), job_id) for job_id in ("j-1", "j-2")]

    await ran(store, *requests, say=say)

    assert ["open", "close"] == say.log


async def test_the_story_is_in_order_for_each_job(store):
    """A job's events sort by their sequence as they happened."""
    requests = [requested(JobRequest(source="ctgov", id="hello"), job_id) for job_id in ("j-1", "j-2")]

    _, heard = await ran(store, *requests)

    for job_id in ("j-1", "j-2"):
        own = [event for event in heard if event.extensions["jobid"] == job_id]
        assert own == sorted(own, key=lambda event: event.extensions["sequence"])
    assert all(orjson.loads(event.data) is not None for event in heard)
