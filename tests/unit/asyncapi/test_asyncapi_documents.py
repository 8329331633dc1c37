"""The AsyncAPI documents as data: topics to create, and what each service sends and receives."""

import json
from pathlib import Path

import pytest
import yaml
from medkg_contracts import topics as catalogue
from medkg_contracts.asyncapi import TopicSpec, operations, services, topics
from medkg_contracts.cloudevents import MAX_VALUE_BYTES
from medkg_contracts.errors import ConfigurationError
from medkg_contracts.kinds import Kind

from tests.shipped import STAGE_SERVICES, stages_of

FOLDER = Path(__file__).parents[3] / "asyncapi"
STAGES = {service: stages_of(service) for service in STAGE_SERVICES}
DAY = 86_400_000

#: What a stage's service answers the router, and what else it tells.
ANSWERS = {Kind.STAGE_COMPLETED, Kind.STAGE_FAILED, Kind.STAGE_DEFERRED}
STAGE_KINDS = ANSWERS | {
    Kind.STAGE_STARTED,
    Kind.STAGE_RETRYING,
    Kind.STAGE_DROPPED,
    Kind.RECORD_REFUSED,
    Kind.BREAKER_OPENED,
    Kind.BREAKER_CLOSED,
}
ORDERS = {Kind.CONTROL_RELOAD, Kind.CONTROL_CANCEL, Kind.CONTROL_PAUSE, Kind.CONTROL_RESUME, Kind.CONTROL_RERUN}


def by_name(stages: list[str], gate_topics: list[str]) -> dict[str, TopicSpec]:
    return {topic.name: topic for topic in topics(FOLDER, stages, gate_topics)}


# Topics


def test_topics_of_a_deployment_are_those_of_the_catalogue() -> None:
    """The fixed topics, three for each stage and one for each gate's topic are created, and no other."""
    found = topics(FOLDER, ["parse", "my-ner"], ["mineru.done.v1", "mineru.queue.v1", "lab.results.v2"])

    assert [topic.name for topic in found] == sorted(
        [catalogue.REQUESTS, catalogue.CONTROL, catalogue.EVENTS, catalogue.ROUTER_DLQ, catalogue.VECTORS]
        + [name(stage) for stage in ("parse", "my-ner") for name in (catalogue.queue, catalogue.done, catalogue.dlq)]
        + ["mineru.done.v1", "mineru.queue.v1", "lab.results.v2"]
    )


def test_topic_has_what_its_binding_says() -> None:
    """Partitions, replicas and settings come from the document, the settings as Kafka takes them."""
    assert by_name([], [])[catalogue.REQUESTS] == TopicSpec(
        name="jobs.requests.v1",
        partitions=6,
        replicas=3,
        config={
            "cleanup.policy": "delete",
            "retention.ms": "2592000000",
            "max.message.bytes": "1114112",
            "message.timestamp.type": "LogAppendTime",
        },
    )


def test_all_topics_have_as_many_partitions() -> None:
    """One replica of the router sees all events of a job only if its topics are cut alike."""
    found = topics(FOLDER, ["parse"], ["approvals.v1", "mineru.queue.v1", "lab.results.v2"])

    assert {topic.partitions for topic in found} == {6}


@pytest.mark.parametrize(
    ("topic", "days"),
    [
        ("jobs.requests.v1", 30),
        ("jobs.control.v1", 30),
        ("parse.done.v1", 30),
        ("mineru.done.v1", 30),
        ("approvals.v1", 30),
        ("lab.results.v2", 30),
        ("orchestration.events.v1", 30),
        ("parse.queue.v1", 7),
        ("mineru.queue.v1", 7),
        ("parse.dlq.v1", 90),
        ("router.dlq.v1", 90),
    ],
)
def test_retention_is_long_enough(topic: str, days: int) -> None:
    """All that a ledger rebuild reads is kept as long; work for a week, dead letters for a season."""
    found = by_name(["parse"], ["approvals.v1", "lab.results.v2", "mineru.done.v1", "mineru.queue.v1"])

    assert found[topic].config["retention.ms"] == str(days * DAY)


def test_changelog_of_vectors_is_kept_for_good() -> None:
    """Of each key the last record stays, and tombstones long enough for a view that goes on from an old snapshot."""
    config = by_name([], [])[catalogue.VECTORS].config

    assert ("compact", str(30 * DAY), None) == tuple(
        config.get(name) for name in ("cleanup.policy", "delete.retention.ms", "retention.ms")
    )


def test_largest_value_that_is_read_fits_its_topic() -> None:
    """A value of the greatest size fits a topic beside headers of 64 KiB."""
    sizes = {int(topic.config["max.message.bytes"]) for topic in topics(FOLDER, ["parse"], ["approvals.v1"])}

    assert min(sizes) == MAX_VALUE_BYTES + 64 * 1024


def test_dead_letter_of_the_largest_record_fits_its_topic() -> None:
    """A DLQ takes any record of its queue with a reason of up to 64 KiB added."""
    found = by_name(["parse"], [])
    dlq, queue = (int(found[name].config["max.message.bytes"]) for name in ("parse.dlq.v1", "parse.queue.v1"))

    assert dlq == queue + 64 * 1024


def test_own_stage_has_the_topics_of_a_built_in_one() -> None:
    """A user's stage gets topics with the same settings as the stages that come with medkg."""
    found = by_name(["parse", "my-ner"], [])

    assert [found[f"parse.{end}.v1"].config for end in ("queue", "done", "dlq")] == [
        found[f"my-ner.{end}.v1"].config for end in ("queue", "done", "dlq")
    ]


def test_gate_on_a_stages_done_topic_adds_no_topic() -> None:
    """A gate may wait for a stage of another topology, whose topic is there already."""
    assert by_name(["parse"], []) == by_name(["parse"], ["parse.done.v1"])


# Operations


def test_every_service_has_a_document() -> None:
    """The router, each service of stages and the command line are described."""
    assert services(FOLDER) == sorted(["router", "cli", *STAGES])


@pytest.mark.parametrize(("service", "stage"), [(name, stage) for name, stages in STAGES.items() for stage in stages])
def test_stage_service_takes_work_in_its_group(service: str, stage: str) -> None:
    """A stage's service reads the stage's queue in the stage's consumer group."""
    found = [
        (operation.group, operation.client_id, operation.kinds)
        for operation in operations(FOLDER, service)
        if (operation.action, operation.topic) == ("receive", catalogue.queue(stage))
    ]

    assert found == [(catalogue.group(stage), f"^{catalogue.group(stage)}[.].+", frozenset({Kind.STAGE_REQUESTED}))]


@pytest.mark.parametrize("service", STAGES)
def test_stage_service_sends_results_events_and_dead_letters(service: str) -> None:
    """A stage's service writes to its own topics and to the events, and else requests of a batch, or vectors."""
    expected: dict[str, set[Kind]] = {catalogue.EVENTS: STAGE_KINDS}
    for stage in STAGES[service]:
        expected |= {catalogue.done(stage): ANSWERS, catalogue.dlq(stage): set()}
    if "expand" in STAGES[service]:
        expected[catalogue.REQUESTS] = {Kind.JOB_REQUESTED}
    if "index" in STAGES[service]:
        expected[catalogue.VECTORS] = set()

    assert expected == {
        operation.topic: operation.kinds for operation in operations(FOLDER, service) if operation.action == "send"
    }


def test_router_reads_all_that_can_change_a_job() -> None:
    """The router reads requests, control, every stage's results and every gate's topic, in one group."""
    found = [operation for operation in operations(FOLDER, "router") if operation.action == "receive"]

    assert {operation.topic: operation.group for operation in found} == dict.fromkeys(
        [
            "jobs.requests.v1",
            "jobs.control.v1",
            "{stage}.done.v1",
            "{gateTopic}",
            "approvals.v1",
            "mineru.done.v1",
        ],
        catalogue.ROUTER_GROUP,
    )


def test_orders_go_from_the_command_line_to_the_router_alone() -> None:
    """An operator's orders are sent by the command line, and read by the router: no stage's service reads control."""
    control = {
        (service, operation.action): operation.kinds
        for service in services(FOLDER)
        for operation in operations(FOLDER, service)
        if operation.topic == catalogue.CONTROL
    }

    assert control == {
        ("cli", "send"): ORDERS,
        ("cli", "receive"): ORDERS | {Kind.TIMER_DUE},
        ("router", "send"): {Kind.TIMER_DUE},
        ("router", "receive"): ORDERS | {Kind.TIMER_DUE},
    }


@pytest.mark.parametrize("dlq", [catalogue.ROUTER_DLQ, "{stage}.dlq.v1"])
def test_command_line_closes_dead_letters(dlq: str) -> None:
    """What became of a dead letter stands behind it in its DLQ, and among the events."""
    sent = {
        operation.topic: operation.kinds
        for operation in operations(FOLDER, "cli")
        if operation.action == "send" and operation.topic in {dlq, catalogue.EVENTS}
    }
    closing = {Kind.RECORD_REDRIVEN, Kind.RECORD_DISCARDED}

    assert sent == {dlq: closing, catalogue.EVENTS: closing | {Kind.JOB_MIGRATED}}


def test_every_kind_is_sent_and_received() -> None:
    """Each kind of event has a sender, and a reader among the documents."""
    found = [operation for service in services(FOLDER) for operation in operations(FOLDER, service)]
    sent, received = (
        {kind for operation in found if operation.action == action for kind in operation.kinds}
        for action in ("send", "receive")
    )

    assert (sent, received) == (set(Kind), set(Kind))


def test_events_topic_has_a_message_for_all_that_is_sent_there() -> None:
    """A reader of the events finds every kind that a service sends there described, and no other."""
    found = [operation for service in services(FOLDER) for operation in operations(FOLDER, service)]
    sent, read = (
        {kind for operation in found if (operation.action, operation.topic) == pair for kind in operation.kinds}
        for pair in (("send", catalogue.EVENTS), ("receive", catalogue.EVENTS))
    )

    assert sent == read


@pytest.mark.parametrize("service", STAGES)
def test_channels_of_a_stage_are_as_the_template_says(service: str) -> None:
    """A built-in stage's channels have the messages and the settings of the template for any stage."""
    common = yaml.safe_load((FOLDER / "common/channels.yaml").read_text())
    templates = {key.removeprefix("stage"): common[key] for key in ("stageQueue", "stageDone", "stageDlq")}
    channels = yaml.safe_load((FOLDER / service / "asyncapi.yaml").read_text())["channels"]

    assert {
        f"{stage}{end}": (template["address"].replace("{stage}", stage), *parts(template, "./"))
        for stage in STAGES[service]
        for end, template in templates.items()
    } == {key: (value["address"], *parts(value, "../common/")) for key, value in channels.items() if "address" in value}


def parts(channel: dict[str, dict[str, dict[str, str]]], folder: str) -> tuple[dict[str, str], str]:
    messages = {key: value["$ref"].removeprefix(folder) for key, value in channel["messages"].items()}
    return messages, str(channel["bindings"]["$ref"]).removeprefix(folder)


# Documents that cannot be read


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("operations: {a: {$ref: '#/nowhere'}}", "#/nowhere points to nothing"),
        ("operations: {a: {$ref: 'other.yaml#/a'}}", "other.yaml: No such file"),
        ("operations: {a: {$ref: '#/operations/b'}, b: {$ref: '#/operations/a'}}", "leads to itself"),
        ("operations: [", "while parsing"),
        ("operations: []", "has to be a mapping"),
        ("asyncapi: 3.1.0", "'operations' is missing"),
    ],
)
def test_document_that_cannot_be_read_is_refused(tmp_path: Path, document: str, why: str) -> None:
    """A broken document is a configuration error that says where it is broken."""
    (tmp_path / "x").mkdir()
    (tmp_path / "x/asyncapi.yaml").write_text(document)

    with pytest.raises(ConfigurationError, match=why):
        operations(tmp_path, "x")


def test_missing_documents_are_refused(tmp_path: Path) -> None:
    """A folder without documents is a configuration error that names the file."""
    with pytest.raises(ConfigurationError, match=r"channels\.yaml: No such file"):
        topics(tmp_path, [], [])


# The npm project that checks and renders them


def test_lock_names_no_registry() -> None:
    """Packages come from the registry that a machine is set up for."""
    packages = json.loads((FOLDER / "package-lock.json").read_text())["packages"]

    assert [name for name, package in packages.items() if "resolved" in package] == []
