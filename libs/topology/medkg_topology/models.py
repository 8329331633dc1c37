"""The YAML files as pydantic models: strict, and the origin of the schemas that editors use."""

from typing import Annotated, Any, Literal

from medkg_contracts.model import Name
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

from .duration import PATTERN, parse_duration

#: The type of a stage that names its own inputs and outputs.
OPEN_TYPE = "Stage"
#: The type of an element that is a gate.
GATE_TYPE = "Gate"

Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": PATTERN}, {"type": "number", "minimum": 0}]}),
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
        default="default", description="A policy of policies.yaml: timeout, attempts, backoff.", examples=["default"]
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
    deadline: Duration = Field(description="How long the gate waits: 90s, 15m, 2h, 1d.", gt=0, examples=["15m"])
    on_timeout: Literal["fail", "continue"] = Field(
        default="fail", description="What the deadline's passing means for the job.", examples=["fail"]
    )


def _tag(value: Any) -> str:  # noqa: ANN401 - whatever the file holds
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return "gate" if isinstance(kind, str) and kind.lower() == GATE_TYPE.lower() else "stage"


NodeEntry = Annotated[Annotated[StageEntry, Tag("stage")] | Annotated[GateEntry, Tag("gate")], Discriminator(_tag)]


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
    stages: list[NodeEntry] = Field(
        description="The stages and gates.",
        min_length=1,
        examples=[[{"name": "ingest", "type": "IngestStage"}]],
    )


class PolicyEntry(Entry):
    """A policy: how long a stage may take and how often it is tried."""

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


class Policies(Entry):
    """The named policies that stages refer to."""

    policies: dict[Name, PolicyEntry] = Field(
        description="The policies by name. A stage that names none takes `default`.",
        min_length=1,
        examples=[{"default": {"timeout": "30s", "attempts": 1}}],
    )
