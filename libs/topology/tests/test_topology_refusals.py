"""Every reason to refuse a topology: its exact message, with file, line, field and remedy."""

import pytest
from medkg_contracts.errors import TopologyInvalid
from medkg_contracts.policy import Policy
from medkg_topology.compile import compile_topology
from medkg_topology.source import read_source

POLICIES = {"default": Policy(), "bulk": Policy()}
HEAD = 'version: "1.0"\nname: x\nstages:\n'
INGEST = "  - {name: ingest, type: IngestStage}\n"
PARSE = "  - {name: parse, type: ParseStage, depends_on: [ingest]}\n"
NAME_REMEDY = "Use lower-case letters, digits, '-' and '_', a letter first, at most 63 in all."
TOPIC_REMEDY = "Use lower-case letters, digits, '.', '_' and '-', and a version at the end, such as approvals.v1."


def problems(text: str) -> list[str]:
    """The messages; the file's path, the same in all, is left out."""
    compiled = compile_topology(read_source("topologies/pipelines/x.yaml", text.encode()), POLICIES)
    return [str(problem).removeprefix("topologies/pipelines/x.yaml:") for problem in compiled.problems]


def gate(fields: str) -> str:
    """A topology with a gate on line 6."""
    return HEAD + INGEST + PARSE + f"  - {{name: approval, type: Gate, depends_on: [parse], {fields}}}\n"


STAGES = {
    "an input that nothing upstream produces, though another stage does": (
        HEAD + INGEST + PARSE + "  - name: chunk\n    type: ChunkStage\n    depends_on: [ingest]\n",
        (
            "8: stages[2].depends_on: 'chunk' needs 'document', which nothing upstream of it produces. "
            "Remedy: Add 'parse', which produces it, to depends_on."
        ),
    ),
    "an input that a stage of another type would produce": (
        HEAD + INGEST + "  - {name: chunk, type: ChunkStage, depends_on: [ingest]}\n",
        (
            "5: stages[1].depends_on: 'chunk' needs 'document', which nothing upstream of it produces. "
            "Remedy: Add a stage of the type ParseStage that produces 'document', and depend on it."
        ),
    ),
    "an input that no known type produces": (
        HEAD + "  - {name: a, type: Stage, inputs: [ore], outputs: [iron]}\n",
        (
            "4: stages[0].depends_on: 'a' needs 'ore', which nothing upstream of it produces. "
            "Remedy: Add a stage that produces 'ore', and depend on it."
        ),
    ),
    "an artifact produced by two stages": (
        HEAD + INGEST + PARSE + "  - {name: again, type: ParseStage, depends_on: [ingest]}\n",
        (
            "6: stages[2].type: 'document' is already produced by 'parse' (line 5). "
            "Remedy: Remove one of the two, or give the output another name."
        ),
    ),
    "an artifact called as the request is": (
        HEAD + "  - {name: a, type: Stage, outputs: [request]}\n",
        "4: stages[0].outputs: 'request' is the job's own request. Remedy: Call the output something else.",
    ),
    "an unknown dependency": (
        HEAD + INGEST + "  - {name: parse, type: ParseStage, depends_on: [ingset]}\n",
        (
            "5: stages[1].depends_on[0]: there is no stage or gate 'ingset' (did you mean 'ingest'?). "
            "Remedy: Use one of ingest."
        ),
    ),
    "a dependency on itself": (
        HEAD + INGEST + "  - {name: parse, type: ParseStage, depends_on: [ingest, parse]}\n",
        "5: stages[1].depends_on[1]: 'parse' depends on itself. Remedy: Leave 'parse' out.",
    ),
    "a cycle": (
        HEAD
        + "  - {name: a, type: Stage, outputs: [p], depends_on: [c]}\n"
        + "  - {name: b, type: Stage, outputs: [q], depends_on: [a]}\n"
        + "  - {name: c, type: Stage, outputs: [r], depends_on: [b]}\n",
        (
            "4: stages[0].depends_on: the dependencies form a cycle: a -> c -> b -> a. "
            "Remedy: Remove one of these dependencies."
        ),
    ),
    "a dependency that stands twice": (
        HEAD + INGEST + "  - {name: parse, type: ParseStage, depends_on: [ingest, ingest]}\n",
        "5: stages[1].depends_on[1]: 'ingest' stands twice. Remedy: Leave one of the two out.",
    ),
    "an unknown policy": (
        HEAD + "  - {name: ingest, type: IngestStage, policy: blk}\n",
        (
            "4: stages[0].policy: there is no policy 'blk' (did you mean 'bulk'?). "
            "Remedy: Use one of bulk, default, or add it to policies.yaml."
        ),
    ),
    "an unknown stage type": (
        HEAD + "  - {name: ingest, type: IngestStag}\n",
        (
            "4: stages[0].type: 'IngestStag' is not a stage type (did you mean 'IngestStage'?). "
            "Remedy: Use one of ExpandStage, IngestStage, ParseStage, ValidateStage, ChunkStage, EmbedStage, "
            "SparseEmbedStage, IndexStage, ExtractStage, KGStage, or Stage with its own inputs and outputs."
        ),
    ),
    "a Stage without outputs": (
        HEAD + "  - {name: a, type: Stage, inputs: [request]}\n",
        (
            "4: stages[0].outputs: a stage of the type Stage must name what it makes. "
            "Remedy: Write, for example, `outputs: [summary]`."
        ),
    ),
    "a typed stage with artifacts of its own": (
        HEAD + "  - {name: ingest, type: IngestStage, outputs: [files]}\n",
        (
            "4: stages[0].outputs: the outputs of the type IngestStage are fixed: payloads. "
            "Remedy: Leave outputs out, or use the type Stage."
        ),
    ),
    "two stages of one name": (
        HEAD + INGEST + "  - {name: ingest, type: ParseStage, depends_on: [ingest]}\n",
        "5: stages[1].name: 'ingest' is the name of another element, on line 4. Remedy: Give each its own name.",
    ),
    "a name that makes an invalid topic": (
        HEAD + "  - {name: Ingest Now, type: IngestStage}\n",
        f"4: stages[0].name: 'Ingest Now' is no valid name: names become parts of topics. Remedy: {NAME_REMEDY}",
    ),
    "a service that makes an invalid topic": (
        HEAD + "  - {name: ingest, type: IngestStage, service: a.b}\n",
        f"4: stages[0].service: 'a.b' is no valid name: names become parts of topics. Remedy: {NAME_REMEDY}",
    ),
    "a service with the router's consumer group": (
        HEAD + "  - {name: ingest, type: IngestStage, service: router}\n",
        (
            "4: stages[0].service: 'router' is the router's own name: their consumer groups would mix. "
            "Remedy: Choose another name."
        ),
    ),
    "an unknown field": (
        HEAD + "  - name: ingest\n    type: IngestStage\n    polcy: bulk\n",
        (
            "6: stages[0].polcy: a stage has no field 'polcy' (did you mean 'policy'?). "
            "Remedy: Its fields are name, type, service, policy, depends_on, inputs, outputs, options."
        ),
    ),
    "a missing type": (
        HEAD + "  - name: ingest\n",
        "4: stages[0].type: a stage needs the field 'type'. Remedy: Write, for example, `type: ParseStage`.",
    ),
    "text where a list belongs": (
        HEAD + INGEST + "  - {name: parse, type: ParseStage, depends_on: ingest}\n",
        (
            "5: stages[1].depends_on: must be a list, not the text 'ingest'. "
            "Remedy: Write it as a list: `depends_on: [ingest]`."
        ),
    ),
    "nothing where a list belongs": (
        HEAD + INGEST + "  - name: parse\n    type: ParseStage\n    depends_on:\n",
        "7: stages[1].depends_on: must be a list, not empty. Remedy: Write, for example, `depends_on: [ingest]`.",
    ),
    "a number where a name belongs": (
        HEAD + "  - {name: 7, type: IngestStage}\n",
        '4: stages[0].name: must be text, not the number 7. Remedy: Put it in quotes: "7".',
    ),
    "a stage that is no mapping": (
        HEAD + "  - ingest\n",
        (
            "4: stages[0]: must be a mapping of fields, not the text 'ingest'. "
            "Remedy: Write it as the schema of a stage says."
        ),
    ),
}

GATES = {
    "no deadline": (
        gate("opens_on: approvals.v1"),
        "6: stages[2].deadline: a gate needs the field 'deadline'. Remedy: Write, for example, `deadline: 15m`.",
    ),
    "no topic": (
        gate("deadline: 15m"),
        (
            "6: stages[2].opens_on: a gate needs the field 'opens_on'. "
            "Remedy: Write, for example, `opens_on: approvals.v1`."
        ),
    ),
    "a topic without a version": (
        gate("deadline: 15m, opens_on: approvals"),
        f"6: stages[2].opens_on: 'approvals' is no topic name with a version. Remedy: {TOPIC_REMEDY}",
    ),
    "a request topic that is none": (
        gate("deadline: 15m, opens_on: approvals.v1, request: Ask.v1"),
        f"6: stages[2].request: 'Ask.v1' is no topic name with a version. Remedy: {TOPIC_REMEDY}",
    ),
    "a deadline of nothing": (
        gate("deadline: 0s, opens_on: approvals.v1"),
        "6: stages[2].deadline: must be more than 0s, not 0s. Remedy: Write, for example, `deadline: 15m`.",
    ),
    "a deadline that nobody lives to see": (
        gate("deadline: 367d, opens_on: approvals.v1"),
        "6: stages[2].deadline: must be at most 366d, not 367d. Remedy: Write, for example, `deadline: 15m`.",
    ),
    "a deadline that is no duration": (
        gate('deadline: "15:00", opens_on: approvals.v1'),
        "6: stages[2].deadline: '15:00' is not a duration. Remedy: Write a number and s, m, h or d, such as 15m.",
    ),
    "an unknown outcome": (
        gate("deadline: 15m, opens_on: approvals.v1, on_timeout: skip"),
        "6: stages[2].on_timeout: must be 'fail' or 'continue', not the text 'skip'. Remedy: Choose one of these.",
    ),
    "a policy": (
        gate("deadline: 15m, opens_on: approvals.v1, policy: bulk"),
        (
            "6: stages[2].policy: a gate has no field 'policy'. Remedy: Its fields are name, type, opens_on, request, "
            "depends_on, inputs, outputs, deadline, on_timeout."
        ),
    ),
    "a type in small letters": (
        HEAD + INGEST + "  - {name: a, type: gate, deadline: 15m, opens_on: approvals.v1}\n",
        "5: stages[1].type: must be 'Gate', not the text 'gate'. Remedy: Choose one of these.",
    ),
    "a topic of medkg's": (
        gate("deadline: 15m, opens_on: jobs.requests.v1"),
        (
            "6: stages[2].opens_on: the topic jobs.requests.v1 belongs to medkg itself. "
            "Remedy: Use a topic of the outside system."
        ),
    ),
    "a topic of one of the stages": (
        gate("deadline: 15m, opens_on: parse.done.v1"),
        (
            "6: stages[2].opens_on: the topic parse.done.v1 belongs to stage 'parse'. "
            "Remedy: Use a topic of the outside system."
        ),
    ),
    "its own request's topic": (
        gate("deadline: 15m, opens_on: approvals.v1, request: approvals.v1"),
        "6: stages[2].request: the router's own request on approvals.v1 would open the gate. Remedy: Use two topics.",
    ),
    "inputs without a request": (
        gate("deadline: 15m, opens_on: approvals.v1, inputs: [document]"),
        (
            "6: stages[2].inputs: inputs travel with the request, and this gate sends none. "
            "Remedy: Name the request's topic with `request`, or leave inputs out."
        ),
    ),
    "an input that nothing produces": (
        gate("deadline: 15m, opens_on: approvals.v1, request: ask.v1, inputs: [chunks]"),
        (
            "6: stages[2].depends_on: 'approval' needs 'chunks', which nothing upstream of it produces. "
            "Remedy: Add a stage of the type ChunkStage that produces 'chunks', and depend on it."
        ),
    ),
    "going on without an artifact that is needed": (
        HEAD
        + INGEST
        + "  - {name: ocr, type: Gate, depends_on: [ingest], opens_on: ocr.done.v1, deadline: 1h, "
        + "on_timeout: continue, outputs: [document]}\n"
        + "  - {name: chunk, type: ChunkStage, depends_on: [ocr]}\n",
        (
            "5: stages[1].on_timeout: 'chunk' needs 'document', which is missing when the gate's deadline passes. "
            "Remedy: Set on_timeout: fail."
        ),
    ),
    "no stage beside it": (
        HEAD + "  - {name: a, type: Gate, opens_on: approvals.v1, deadline: 15m}\n",
        "3: stages: there are only gates, no stage. Remedy: Add a stage, such as {name: ingest, type: IngestStage}.",
    ),
}

FILES = {
    "no stages": (
        'version: "1.0"\nname: x\nstages: []\n',
        "3: stages: there are none. Remedy: Write, for example, `stages: [{name: ingest, type: IngestStage}]`.",
    ),
    "stages left out": (
        'version: "1.0"\nname: x\n',
        (
            "1: stages: a topology needs the field 'stages'. "
            "Remedy: Write, for example, `stages: [{name: ingest, type: IngestStage}]`."
        ),
    ),
    "a version that is a number": (
        "version: 1.0\nname: x\nstages:\n" + INGEST,
        '1: version: must be text, not the number 1.0. Remedy: Put it in quotes: "1.0".',
    ),
    "a version left out": (
        "name: x\nstages:\n" + INGEST,
        "1: version: a topology needs the field 'version'. Remedy: Write, for example, `version: \"1.0\"`.",
    ),
    "an unknown field": (
        'version: "1.0"\nname: x\nsources: [a]\nstages:\n' + INGEST,
        (
            "3: sources: a topology has no field 'sources'. "
            "Remedy: Its fields are version, name, description, applicable_sources, rollout, stages."
        ),
    ),
    "a rollout to nobody": (
        'version: "1.0"\nname: x\nrollout: {percent: 0}\nstages:\n' + INGEST,
        "3: rollout.percent: must be at least 1, not 0. Remedy: Write, for example, `percent: 10`.",
    ),
    "a rollout to more than all": (
        'version: "1.0"\nname: x\nrollout: {percent: 101}\nstages:\n' + INGEST,
        "3: rollout.percent: must be at most 100, not 101. Remedy: Write, for example, `percent: 10`.",
    ),
    "a rollout with a sign": (
        'version: "1.0"\nname: x\nrollout: {percent: 10%}\nstages:\n' + INGEST,
        ("3: rollout.percent: must be a whole number, not the text '10%'. Remedy: Write, for example, `percent: 10`."),
    ),
    "a rollout that is a number": (
        'version: "1.0"\nname: x\nrollout: 10\nstages:\n' + INGEST,
        (
            "3: rollout: must be a mapping of fields, not the number 10. "
            "Remedy: Write, for example, `rollout: {percent: 10}`."
        ),
    ),
    "a rollout with an unknown field": (
        'version: "1.0"\nname: x\nrollout: {percent: 10, until: 1d}\nstages:\n' + INGEST,
        "3: rollout.until: a rollout has no field 'until'. Remedy: Its fields are percent.",
    ),
    "a source that stands twice": (
        'version: "1.0"\nname: x\napplicable_sources: [a, a]\nstages:\n' + INGEST,
        "3: applicable_sources[1]: 'a' stands twice. Remedy: Leave one of the two out.",
    ),
    "a name that is not the file's": (
        'version: "1.0"\nname: y\nstages:\n' + INGEST,
        "2: name: 'y' is not the file's name 'x'. Remedy: Rename the file to y.yaml.",
    ),
    "a field that stands twice": (
        'version: "1.0"\nname: x\nname: x\nstages:\n' + INGEST,
        "3: name: stands twice; first on line 2. Remedy: Leave one of the two out.",
    ),
    "broken YAML": (
        'version: "1.0"\nname: x\nstages: [\n',
        (
            "4: file: is not YAML: expected the node content, but found '<stream end>' while parsing a flow node. "
            "Remedy: Correct the indentation, quotes or brackets here."
        ),
    ),
}


@pytest.mark.parametrize(("text", "expected"), STAGES.values(), ids=STAGES.keys())
def test_stage(text: str, expected: str) -> None:
    """A stage with one fault gives exactly one problem."""
    assert [expected] == problems(text)


@pytest.mark.parametrize(("text", "expected"), GATES.values(), ids=GATES.keys())
def test_gate(text: str, expected: str) -> None:
    """A gate with one fault gives exactly one problem."""
    assert [expected] == problems(text)


@pytest.mark.parametrize(("text", "expected"), FILES.values(), ids=FILES.keys())
def test_file(text: str, expected: str) -> None:
    """A file with one fault at its top gives exactly one problem."""
    assert [expected] == problems(text)


def test_all_faults_of_a_file_are_reported_in_order_of_line() -> None:
    """Wrong shapes and wrong references are found in one go."""
    text = (
        "version: 1\n"
        "name: x\n"
        "stages:\n"
        "  - {name: ingest, type: IngestStage, policy: fast}\n"
        "  - {name: parse, type: ParseStage, depends_on: ingest}\n"
        "  - {name: chunk, type: ChunkStage, depends_on: [parse, prase]}\n"
        "  - {name: approval, type: Gate, opens_on: approvals.v1}\n"
    )

    expected = [
        (1, "version"),
        (4, "stages[0].policy"),
        (5, "stages[1].depends_on"),
        (6, "stages[2].depends_on[1]"),
        (7, "stages[3].deadline"),
    ]
    compiled = compile_topology(read_source("x.yaml", text.encode()), POLICIES)
    assert expected == [(problem.line, problem.field) for problem in compiled.problems]


def test_a_fault_upstream_is_not_blamed_on_those_below() -> None:
    """What a broken stage would have made is not reported as missing too."""
    text = HEAD + "  - {name: parse, type: ParseStag}\n  - {name: chunk, type: ChunkStage, depends_on: [parse]}\n"

    compiled = compile_topology(read_source("x.yaml", text.encode()), POLICIES)

    assert [problem.field for problem in compiled.problems] == ["stages[0].type"]


def test_the_error_has_all_messages() -> None:
    """`require` raises the whole report with the file's path, a problem a line."""
    text = HEAD + "  - {name: a, type: Stage}\n  - {name: b, type: Stage}\n"
    compiled = compile_topology(read_source("topologies/pipelines/x.yaml", text.encode()), POLICIES)

    with pytest.raises(TopologyInvalid) as caught:
        compiled.require()

    expected = [
        f"topologies/pipelines/x.yaml:{line}: stages[{number}].outputs: a stage of the type Stage must name "
        "what it makes. Remedy: Write, for example, `outputs: [summary]`."
        for number, line in enumerate((4, 5))
    ]
    assert expected == str(caught.value).splitlines()
