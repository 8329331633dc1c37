"""The YAML files as pydantic models: strict, and the origin of the schemas that editors use."""

from typing import Annotated, Any, Literal

from medkg_contracts.model import Name, OptionValue, TenantId
from medkg_contracts.stages import STAGE_TYPES
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
)

from . import duration, rate
from .duration import parse_duration
from .plan import LONGEST_DEADLINE_S
from .rate import parse_rate

#: The type of a stage that names its own inputs and outputs.
OPEN_TYPE = "Stage"
#: The type of an element that is a gate.
GATE_TYPE = "Gate"

Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": duration.PATTERN}, {"type": "number", "minimum": 0}]}),
]
Rate = Annotated[
    float,
    BeforeValidator(parse_rate),
    WithJsonSchema({"type": "string", "pattern": rate.PATTERN}),
    Field(gt=0, le=1_000_000),
]
Topic = Annotated[str, StringConstraints(pattern=r"^[a-z0-9._-]+\.v\d+$", max_length=249)]


class Entry(BaseModel):
    """What all parts of the files have in common: no guesses, no unknown fields."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class StageEntry(Entry):
    """A stage: work that a stage service does for a job."""

    name: Name = Field(description="The stage's name, unique in the topology.", examples=["parse"])
    type: str = Field(
        description="The kind of stage: it says which artifacts go in and come out. "
        "`Stage` names its own with `inputs` and `outputs`.",
        examples=["ParseStage"],
        json_schema_extra={"enum": [*STAGE_TYPES, OPEN_TYPE]},
    )
    service: Name | None = Field(
        default=None,
        description="The stage service that does the work, on `<service>.queue.v1`; the stage's name when left out.",
        examples=["parse"],
    )
    policy: Name = Field(
        default="default",
        description="A policy of policies.yaml: timeout, attempts, backoff, breaker, rate, concurrency.",
        examples=["default"],
    )
    depends_on: list[Name] = Field(
        default=[], description="The nodes that must have ended well before this one starts.", examples=[["ingest"]]
    )
    inputs: list[Name] = Field(
        default=[], description="Only with type `Stage`: the artifacts that it is given.", examples=[["document"]]
    )
    outputs: list[Name] = Field(
        default=[], description="Only with type `Stage`: the artifacts that it makes.", examples=[["summary"]]
    )
    options: dict[Name, OptionValue] = Field(
        default={},
        max_length=32,
        description="How the stage is to work in this topology, where its service leaves the choice: see the stage's "
        "own page.",
        examples=[{"strategy": "sentences"}],
    )


class GateEntry(Entry):
    """A gate: the job waits here for an event from outside, at most until the deadline."""

    name: Name = Field(description="The gate's name, unique in the topology.", examples=["approval"])
    type: Literal["Gate"] = Field(description="`Gate` makes this element a gate.", examples=["Gate"])
    opens_on: Topic = Field(
        description="The topic whose event, with the job's id as key, opens the gate.", examples=["approvals.v1"]
    )
    request: Topic | None = Field(
        default=None,
        description="The topic on which the router asks the outside system, when it has to be asked.",
        examples=["mineru.queue.v1"],
    )
    depends_on: list[Name] = Field(
        default=[], description="The nodes that must have ended well before the gate waits.", examples=[["validate"]]
    )
    inputs: list[Name] = Field(
        default=[], description="The artifacts that the request carries.", examples=[["payloads"]]
    )
    outputs: list[Name] = Field(default=[], description="The artifacts that the event brings.", examples=[["document"]])
    deadline: Duration = Field(
        description="How long the gate waits: 90s, 15m, 2h, 1d; at most 366d.",
        gt=0,
        le=LONGEST_DEADLINE_S,
        examples=["15m"],
    )
    on_timeout: Literal["fail", "continue"] = Field(
        default="fail", description="What the deadline's passing means for the job.", examples=["fail"]
    )


def _tag(value: Any) -> str:  # noqa: ANN401 - whatever the file holds
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return "gate" if isinstance(kind, str) and kind.lower() == GATE_TYPE.lower() else "stage"


NodeEntry = Annotated[Annotated[StageEntry, Tag("stage")] | Annotated[GateEntry, Tag("gate")], Discriminator(_tag)]


class RolloutEntry(Entry):
    """A rollout: the file's new version is tried with some of the new jobs before all take it."""

    percent: int = Field(
        ge=1,
        le=100,
        description="So many of a hundred new jobs take the new version, the others the last one without a rollout. "
        "When the new one fails more or is slower, all go back to the old one.",
        examples=[10],
    )


class Topology(Entry):
    """A topology: the stages and gates that a job goes through, as a graph without cycles."""

    version: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        description="The author's own label. Runs are pinned to the digest of the content, not to this.",
        examples=["1.0"],
    )
    name: Name = Field(description="Its name, and its file's without .yaml.", examples=["clinical-trials"])
    description: str = Field(default="", description="What it is for, for people.", examples=["Trials to the index."])
    applicable_sources: list[Name] = Field(
        default=[],
        description="The sources whose jobs take this topology when they name none. One topology a source.",
        examples=[["ctgov"]],
    )
    rollout: RolloutEntry | None = Field(
        default=None,
        description="Only some of the new jobs take this version; all of them when left out.",
        examples=[{"percent": 10}],
    )
    stages: list[NodeEntry] = Field(
        description="The stages and gates.",
        min_length=1,
        examples=[[{"name": "ingest", "type": "IngestStage"}]],
    )


class BreakerEntry(Entry):
    """A breaker: when a failing resource is left alone, by all replicas of the stage's service together."""

    failures: int = Field(
        ge=1,
        le=1000,
        description="So many failures in a row, of any jobs, open it: a resource that is away, or a timeout.",
        examples=[5],
    )
    reset: Duration = Field(
        gt=0, le=3600, description="How long it stays open before a single execution tries.", examples=["60s"]
    )


class PolicyEntry(Entry):
    """A policy: how long a stage may take, how often it is tried, how hard it may lean on what it uses."""

    timeout: Duration = Field(gt=0, le=86_400, description="How long one attempt may take.", examples=["30s"])
    attempts: int = Field(ge=1, le=100, description="Tries in all, the first included.", examples=[3])
    backoff: Literal["none", "linear", "exponential"] = Field(
        default="none",
        description="How the wait before a further try grows: not (none), by `initial` each time (linear), "
        "or twofold (exponential).",
        examples=["exponential"],
    )
    initial: Duration = Field(default=0.0, ge=0, le=3600, description="The first wait.", examples=["1s"])
    max: Duration = Field(default=0.0, ge=0, le=3600, description="The longest wait.", examples=["10s"])
    jitter: Duration = Field(
        default=0.0, ge=0, le=60, description="A random time up to this is added to each wait.", examples=["0.5s"]
    )
    concurrency: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="So many executions at once in one replica; the service's own setting when left out.",
        examples=[4],
    )
    breaker: BreakerEntry | None = Field(
        default=None,
        description="When to stop trying; never when left out.",
        examples=[{"failures": 5, "reset": "60s"}],
    )
    rate: Rate | None = Field(
        default=None,
        description="How often all replicas together may execute: 5/s, 30/m, 100/h; no limit when left out.",
        examples=["5/s"],
    )
    burst: int = Field(
        default=1,
        ge=1,
        le=1_000_000,
        description="Only with `rate`: so many may follow each other at once after a pause.",
        examples=[10],
    )


class Policies(Entry):
    """The named policies that stages refer to."""

    policies: dict[Name, PolicyEntry] = Field(
        description="The policies by name. A stage that names none takes `default`.",
        min_length=1,
        examples=[{"default": {"timeout": "30s", "attempts": 1}}],
    )


Window = Annotated[int, Field(ge=1, le=100_000)]


class TenantEntry(Entry):
    """A tenant's share of the work."""

    weight: int = Field(
        ge=1,
        le=1000,
        description="Of what two tenants have waiting, they get shares by weight; a tenant not named has 1.",
        examples=[3],
    )


class AdmissionSettings(Entry):
    """How much work stands in the stages' queues at a time, and how tenants share it."""

    window: Window = Field(
        default=256,
        description="So many requests of a stage service are in its queue or at work at a time; the rest waits "
        "in the ledger, where it is shared out fairly.",
        examples=[256],
    )
    windows: dict[Name, Window] = Field(
        default={}, description="The window of a stage service that needs another.", examples=[{"index": 128}]
    )
    tenants: dict[TenantId, TenantEntry] = Field(
        default={}, description="The tenants that get other shares than the rest.", examples=[{"acme": {"weight": 3}}]
    )
