"""What people see of a plan: text, data, graphs and differences."""

from typing import Any

from medkg_contracts.policy import Breaker, Policy, RateLimit
from medkg_topology.compile import compile_topology
from medkg_topology.drawing import drawing, mermaid
from medkg_topology.plan import Plan
from medkg_topology.render import plan_data, plan_difference, plan_text
from medkg_topology.source import read_source

POLICIES = {
    "default": Policy(timeout_s=30, attempts=3, backoff="exponential", initial_s=1, max_s=10, jitter_s=1),
    "once": Policy(name="once", timeout_s=600),
    "gentle": Policy(
        name="gentle",
        timeout_s=30,
        attempts=2,
        concurrency=4,
        breaker=Breaker(failures=5, reset_s=60),
        rate=RateLimit(per_s=5, burst=10),
    ),
}
TEXT = """
version: "1.0"
name: x
stages:
  - {name: ingest, type: IngestStage, policy: once}
  - {name: parse, type: ParseStage, depends_on: [ingest]}
  - {name: validate, type: ValidateStage, depends_on: [parse]}
  - {name: chunk, type: ChunkStage, depends_on: [parse]}
  - name: approval
    type: Gate
    depends_on: [validate]
    opens_on: approvals.v1
    request: approvals.asked.v1
    inputs: [validation]
    deadline: 15m
    on_timeout: continue
  - {name: index, type: IndexStage, depends_on: [chunk, approval]}
"""


def plan(text: str = TEXT) -> Plan:
    return compile_topology(read_source("x.yaml", text.encode()), POLICIES).require()


def test_text() -> None:
    """Every node has its artifacts, topics and effective policy."""
    lines = plan_text(plan()).splitlines()

    assert lines[:9] == [
        f"{plan().ref}  version 1.0",
        "",
        "1. ingest  (IngestStage)",
        "   after      the job's acceptance",
        "   takes      the job's request",
        "   gives      payloads",
        "   queue      ingest.queue.v1",
        "   done       ingest.done.v1",
        "   policy     once: 1 attempt of 10m; at most 10m in all",
    ]
    assert lines[16] == (
        "   policy     default: 3 attempts of 30s, exponential waits 1s to 10s and up to 1s jitter; at most 95s in all"
    )
    assert lines[34:39] == [
        "5. approval  (Gate)",
        "   after      validate",
        "   asks on    approvals.asked.v1 with validation",
        "   brings     none",
        "   waits for  approvals.v1 for 15m, then the job continues",
    ]


def test_text_of_a_whole_policy() -> None:
    """Concurrency, rate and breaker stand below attempts and waits."""
    assert plan_text(plan(TEXT.replace("policy: once", "policy: gentle"))).splitlines()[8:13] == [
        "   policy     gentle: 2 attempts of 30s; at most 1m in all",
        "   at once    4 a replica",
        "   rate       5/s by all replicas, in bursts of 10",
        "   breaker    open for 1m after 5 failures in a row",
        "",
    ]


def test_a_rollout_stands_at_the_top() -> None:
    """Text and data say how many of the new jobs take this version."""
    assert f"{plan().ref}  version 1.0  for 10 % of new jobs" == plan_text(plan(), 10).splitlines()[0]
    assert [{"percent": 10}, None] == [plan_data(plan(), 10)["rollout"], plan_data(plan())["rollout"]]


def test_data() -> None:
    """The same for scripts."""
    data: dict[str, Any] = plan_data(plan())

    assert ["x", plan().digest] == [data["name"], data["digest"]]
    assert data["nodes"][0] == {
        "kind": "stage",
        "name": "ingest",
        "type": "IngestStage",
        "service": "ingest",
        "depends_on": [],
        "inputs": [],
        "outputs": ["payloads"],
        "policy": {
            "name": "once",
            "timeout_s": 600.0,
            "attempts": 1,
            "backoff": "none",
            "initial_s": 0.0,
            "max_s": 0.0,
            "jitter_s": 0.0,
            "concurrency": None,
            "breaker": None,
            "rate": None,
        },
        "topics": {"queue": "ingest.queue.v1", "done": "ingest.done.v1", "dlq": "ingest.dlq.v1"},
        "worst_case_s": 600.0,
    }


def test_mermaid() -> None:
    """A flowchart with the artifacts on its lines."""
    assert mermaid(plan()).splitlines() == [
        "flowchart TD",
        '    n0["ingest<br/>IngestStage"]',
        '    n1["parse<br/>ParseStage"]',
        '    n2["validate<br/>ValidateStage"]',
        '    n3["chunk<br/>ChunkStage"]',
        '    n4{{"approval<br/>approvals.v1 · 15m"}}',
        '    n5["index<br/>IndexStage"]',
        '    n0 -->|"payloads"| n1',
        '    n1 -->|"document"| n2',
        '    n1 -->|"document"| n3',
        '    n2 -->|"validation"| n4',
        '    n3 -->|"chunks"| n5',
        "    n4 --> n5",
    ]


def test_drawing() -> None:
    """Fan-out and fan-in are lines that branch and meet."""
    assert drawing(plan()).splitlines() == [
        "○  ingest  request → payloads",
        "○  parse  payloads → document",
        "├─╮",
        "○ │  validate  document → validation",
        "│ ○  chunk  document → chunks",
        "◇ │  approval  waits 15m for approvals.v1 or continues",
        "╰─┤",
        "  ○  index  document, chunks → index_receipt",
    ]


def test_unconnected_nodes_are_drawn_apart() -> None:
    """Two nodes below each other without a blank row are need and needing."""
    text = (
        'version: "1.0"\nname: x\nstages:\n'
        "  - {name: a, type: Stage, outputs: [p]}\n  - {name: b, type: Stage, outputs: [q]}\n"
    )

    assert ["○  a  request → p", "", "○  b  request → q"] == drawing(plan(text)).splitlines()


def test_options_of_a_stage() -> None:
    """What the topology says of how a stage works is in its text and its data, and a change of it is told."""
    new = plan(TEXT.replace("type: ChunkStage", "type: ChunkStage, options: {strategy: section, max_tokens: 400}"))
    (node,) = [node for node in plan_data(new)["nodes"] if node["name"] == "chunk"]

    assert "   options    strategy section, max_tokens 400" in plan_text(new).splitlines()
    assert {"strategy": "section", "max_tokens": 400} == node["options"]
    assert ("stage 'chunk': options was none and is strategy section, max_tokens 400",) == plan_difference(plan(), new)


def test_no_difference() -> None:
    """Equal digests have nothing to say."""
    assert plan_difference(plan(), plan("# comment" + TEXT)) == ()


def test_difference_of_a_stage() -> None:
    """Each changed value is a sentence, the policy's among them."""
    new = plan(TEXT.replace("name: ingest, type: IngestStage, policy: once", "name: ingest, type: IngestStage"))

    assert plan_difference(plan(), new) == (
        "stage 'ingest': policy was once and is default",
        "stage 'ingest': timeout was 10m and is 30s",
        "stage 'ingest': attempts was 1 and is 3",
        "stage 'ingest': backoff was none and is exponential",
        "stage 'ingest': initial wait was 0s and is 1s",
        "stage 'ingest': longest wait was 0s and is 10s",
        "stage 'ingest': jitter was 0s and is 1s",
    )


def test_difference_of_what_a_policy_spares() -> None:
    """Concurrency, rate and breaker are named too."""
    new = plan(TEXT.replace("policy: once", "policy: gentle"))

    assert plan_difference(plan(), new)[-3:] == (
        "stage 'ingest': concurrency was the service's own and is 4 a replica",
        "stage 'ingest': rate was none and is 5/s by all replicas, in bursts of 10",
        "stage 'ingest': breaker was none and is open for 1m after 5 failures in a row",
    )


def test_difference_of_a_gate_and_the_version() -> None:
    """Version, deadline and outcome are named."""
    new = plan(TEXT.replace('"1.0"', '"1.1"').replace("15m", "1h").replace("on_timeout: continue", "on_timeout: fail"))

    assert plan_difference(plan(), new) == (
        "the version was 1.0 and is 1.1",
        "gate 'approval': deadline was 15m and is 1h",
        "gate 'approval': on_timeout was continue and is fail",
    )


def test_difference_of_nodes() -> None:
    """A node that went and one that came are described."""
    new = plan(
        TEXT.replace("name: validate, type: ValidateStage", "name: check, type: ValidateStage").replace(
            "[validate]", "[check]"
        )
    )

    assert plan_difference(plan(), new) == (
        "stage 'validate' is gone",
        (
            "stage 'check' is new: after parse; takes document; gives validation; queue check.queue.v1; "
            "done check.done.v1; policy default: 3 attempts of 30s, exponential waits 1s to 10s and up to 1s jitter; "
            "at most 95s in all"
        ),
        "gate 'approval': depends_on was validate and is check",
    )


def test_difference_of_order() -> None:
    """Two stages that changed places in the file are another order of dispatch."""
    validate = "  - {name: validate, type: ValidateStage, depends_on: [parse]}\n"
    chunk = "  - {name: chunk, type: ChunkStage, depends_on: [parse]}\n"

    assert plan_difference(plan(), plan(TEXT.replace(validate + chunk, chunk + validate))) == (
        "the order is now ingest, parse, chunk, validate, approval, index",
    )
