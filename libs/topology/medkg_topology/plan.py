"""A compiled topology: what the router follows, and the version that a job is pinned to."""

import hashlib
import operator
from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Literal

import orjson
from medkg_contracts.model import Contract, Name, OptionValue
from medkg_contracts.policy import Policy
from pydantic import Field

#: No gate waits longer than a year.
LONGEST_DEADLINE_S = 366 * 86_400


class StageNode(Contract):
    """A stage: asks its service for work on ``<service>.queue.v1``.

    Attributes:
        service: the stage service; several nodes may use one.
        depends_on: the nodes that must have ended well before this one starts.
        inputs: artifact names that it is given (``request`` not among them).
        outputs: artifact names that it makes.
        options: how the stage is to work; part of the canonical form only where there are some, so that a plan without
            any keeps its digest.
    """

    kind: Literal["stage"] = "stage"
    name: Name
    type: str
    service: Name
    depends_on: tuple[Name, ...] = ()
    inputs: tuple[Name, ...] = ()
    outputs: tuple[Name, ...] = ()
    policy: Policy = Field(default_factory=Policy)
    options: Annotated[dict[Name, OptionValue], Field(exclude_if=operator.not_)] = {}


class GateNode(Contract):
    """A gate: waits for an event from outside the router.

    Attributes:
        event_topic: where the event comes from, such as ``mineru.done.v1``.
        request_topic: where the router asks the outside system for it, when it has to be asked.
        inputs: artifact names that the request carries.
        outputs: artifact names that the event brings.
        deadline_s: seconds between reaching the gate and its expiry.
        on_timeout: what its expiry means for the job.
    """

    kind: Literal["gate"] = "gate"
    name: Name
    event_topic: str
    request_topic: str | None = None
    depends_on: tuple[Name, ...] = ()
    inputs: tuple[Name, ...] = ()
    outputs: tuple[Name, ...] = ()
    deadline_s: Annotated[float, Field(gt=0, le=LONGEST_DEADLINE_S)]
    on_timeout: Literal["fail", "continue"] = "fail"


Node = Annotated[StageNode | GateNode, Field(discriminator="kind")]


class Plan(Contract):
    """A topology in canonical form. Its nodes are in a topological order.

    Attributes:
        version: the author's own label; the digest is what identifies the plan.
    """

    name: Name
    version: str
    nodes: tuple[Node, ...]

    @cached_property
    def canonical(self) -> bytes:
        """The canonical form: JSON with sorted keys."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical form; identifies the version."""
        return hashlib.sha256(self.canonical).hexdigest()

    @property
    def ref(self) -> str:
        """``name@digest12``: how events name the version."""
        return f"{self.name}@{self.digest[:12]}"

    @cached_property
    def by_name(self) -> dict[str, StageNode | GateNode]:
        """The nodes by name."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def dependents(self) -> dict[str, tuple[StageNode | GateNode, ...]]:
        """The nodes that depend directly on each node, in the plan's order."""
        return {name: tuple(node for node in self.nodes if name in node.depends_on) for name in self.by_name}

    @cached_property
    def gates_by_topic(self) -> dict[str, tuple[GateNode, ...]]:
        """The gates that each topic can open."""
        topics: dict[str, tuple[GateNode, ...]] = {}
        for node in self.nodes:
            if isinstance(node, GateNode):
                topics[node.event_topic] = (*topics.get(node.event_topic, ()), node)
        return topics

    def needed_for(self, until: str | None) -> frozenset[str]:
        """The names of the node ``until`` and of all that it needs; all nodes when it is None.

        Raises:
            KeyError: the plan has no such node.
        """
        if until is None:
            return self._all
        needed: set[str] = set()
        open_: list[str] = [self.by_name[until].name]
        while open_:
            name = open_.pop()
            if name not in needed:
                needed.add(name)
                open_.extend(self.by_name[name].depends_on)
        return frozenset(needed)

    @cached_property
    def _all(self) -> frozenset[str]:
        return frozenset(self.by_name)

    def event_topics(self) -> Iterable[str]:
        """The topics whose events this plan follows, apart from the catalogue's fixed ones."""
        for node in self.nodes:
            yield f"{node.service}.done.v1" if isinstance(node, StageNode) else node.event_topic


def load_plan(canonical: bytes) -> Plan:
    """The plan whose canonical form this is.

    Its digest is that of these very bytes: a plan of an earlier release, which lacks later fields, stays the version
    that its jobs are pinned to.
    """
    plan = Plan.model_validate_json(canonical)
    vars(plan)["canonical"] = canonical
    return plan
