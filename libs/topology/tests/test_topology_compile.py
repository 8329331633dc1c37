"""What a good topology compiles to, and what its digest depends on."""

from hashlib import sha256

import pytest
from medkg_contracts.policy import Policy
from medkg_topology.compile import compile_topology
from medkg_topology.plan import GateNode, Plan, StageNode, load_plan
from medkg_topology.source import read_source

POLICIES = {"default": Policy(), "bulk": Policy(name="bulk", timeout_s=600)}
TEXT = """
version: "1.0"
name: x
description: What it is for.
applicable_sources: [ctgov]
stages:
  - name: index
    type: IndexStage
    depends_on: [approval, chunk]
  - name: ingest
    type: IngestStage
    policy: bulk
  - name: approval
    type: Gate
    depends_on: [parse]
    opens_on: approvals.v1
    request: approvals.asked.v1
    inputs: [document]
    outputs: [verdict]
    deadline: 15m
  - name: chunk
    type: ChunkStage
    depends_on: [parse]
  - name: parse
    type: ParseStage
    service: reader
    depends_on: [ingest]
"""


def plan(text: str = TEXT, policies: dict[str, Policy] = POLICIES) -> Plan:
    return compile_topology(read_source("pipelines/x.yaml", text.encode()), policies).require()


def test_nodes_are_in_order_of_dependency_then_of_the_file() -> None:
    """Of two nodes that are both possible, the file's first comes first."""
    assert [node.name for node in plan().nodes] == ["ingest", "parse", "approval", "chunk", "index"]


def test_a_stage() -> None:
    """A stage gets its type's artifacts less the request, its service and its effective policy."""
    expected = StageNode(
        name="ingest",
        type="IngestStage",
        service="ingest",
        depends_on=(),
        inputs=(),
        outputs=("payloads",),
        policy=Policy(name="bulk", timeout_s=600),
    )
    assert expected == plan().by_name["ingest"]


def test_a_service_of_another_name() -> None:
    """A stage may be run by a service that is called differently."""
    assert plan().by_name["parse"].model_dump()["service"] == "reader"


def test_a_gate() -> None:
    """A gate has its topics, artifacts and deadline in seconds."""
    expected = GateNode(
        name="approval",
        event_topic="approvals.v1",
        request_topic="approvals.asked.v1",
        depends_on=("parse",),
        inputs=("document",),
        outputs=("verdict",),
        deadline_s=900,
        on_timeout="fail",
    )
    assert expected == plan().by_name["approval"]


def test_inputs_may_come_from_any_ancestor() -> None:
    """`index` needs the document, which `parse`, two steps above it, makes."""
    node = plan().by_name["index"]

    assert (("document", "chunks"), ("approval", "chunk")) == (node.inputs, node.depends_on)


def test_a_stage_is_given_what_it_can_do_without_where_that_is_made() -> None:
    """An index has the vectors of an embed stage before it, and does without where there is none upstream."""
    embed = "  - name: embed\n    type: EmbedStage\n    depends_on: [chunk]\n"
    before = plan(TEXT.replace("[approval, chunk]", "[approval, embed]") + embed)
    beside = plan(TEXT + embed)

    assert ("document", "chunks", "embeddings") == before.by_name["index"].inputs
    assert ("document", "chunks") == beside.by_name["index"].inputs


def test_options_are_part_of_the_plan() -> None:
    """What a topology asks of a stage reaches the plan, and so the version."""
    asked = plan(
        TEXT.replace("type: ChunkStage", "type: ChunkStage\n    options: {strategy: section, max_tokens: 128}")
    )
    chunk = asked.by_name["chunk"]

    assert isinstance(chunk, StageNode)
    assert {"strategy": "section", "max_tokens": 128} == chunk.options
    assert asked == load_plan(asked.canonical)
    assert asked.digest != plan().digest


def test_event_topics() -> None:
    """A plan follows its services' done topics and its gates' topics."""
    expected = ["ingest.done.v1", "reader.done.v1", "approvals.v1", "chunk.done.v1", "index.done.v1"]
    assert expected == list(plan().event_topics())


def test_a_plan_survives_its_canonical_form() -> None:
    """What is stored for a job is the plan itself."""
    assert plan() == load_plan(plan().canonical)


def test_a_plan_of_an_earlier_release_keeps_its_digest() -> None:
    """A plan that was stored before a field was known is the version that its jobs are pinned to."""
    canonical = plan().canonical.replace(b'"concurrency":null,', b"")

    stored = load_plan(canonical)

    assert plan() == stored
    assert sha256(canonical).hexdigest() == stored.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version:", "# a comment\nversion:"),
        ('"1.0"', "'1.0'"),
        ('version: "1.0"\nname: x\n', 'name: x\nversion: "1.0"\n'),
        ("description: What it is for.\n", ""),
        ("[approval, chunk]", "[chunk, approval]"),
        ("deadline: 15m", "deadline: 900"),
        ("    depends_on: [ingest]\n", "    depends_on:\n      - ingest\n"),
        ("    type: ChunkStage\n", "    type: ChunkStage\n    policy: default\n    service: chunk\n"),
        ("[ctgov]", "[ctgov, pmc]"),
        ("[ctgov]", "[ctgov]\nrollout: {percent: 10}"),
    ],
)
def test_the_digest_does_not_depend_on(old: str, new: str) -> None:
    """Comments, formatting, order of keys and of dependencies, description, sources and rollout change no digest."""
    assert plan().digest == plan(TEXT.replace(old, new)).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"1.0"', '"1.1"'),
        ("policy: bulk", "policy: default"),
        ("deadline: 15m", "deadline: 16m"),
        ("deadline: 15m", "deadline: 15m\n    on_timeout: continue"),
        ("opens_on: approvals.v1", "opens_on: approvals.v2"),
        ("request: approvals.asked.v1", "request: approvals.asked.v2"),
        ("outputs: [verdict]", "outputs: [opinion]"),
        ("inputs: [document]", "inputs: [payloads]"),
        ("service: reader", "service: parser"),
        ("depends_on: [approval, chunk]", "depends_on: [chunk]"),
    ],
)
def test_the_digest_depends_on(old: str, new: str) -> None:
    """All that changes behaviour changes the digest."""
    assert plan().digest != plan(TEXT.replace(old, new)).digest


def test_the_digest_depends_on_the_policies_effective_values() -> None:
    """An edit of policies.yaml is a new version of every topology that uses the policy."""
    policies = POLICIES | {"bulk": Policy(name="bulk", timeout_s=601)}

    assert plan().digest != plan(policies=policies).digest


def test_the_digest_depends_on_a_policys_name() -> None:
    """Replicas share a breaker and a rate by the policy's name, so another name is another version."""
    policies = {"default": Policy(), "large": Policy(name="large", timeout_s=600)}

    assert plan().digest != plan(TEXT.replace("bulk", "large"), policies).digest
