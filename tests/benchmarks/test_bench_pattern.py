"""The relay's pattern from a real job's records."""

from medkg_contracts.kinds import Kind

from tests.benchmarks.pattern import Copy, Seen, bytes_of, from_json, router_rules, seen, stage_rules, to_json


def _record(topic: str, kind: Kind, node: str | None = None) -> Seen:
    headers = [("ce_type", kind.type.encode()), *([] if node is None else [("ce_stage", node.encode())])]
    return seen(topic, topic.encode(), headers)


_EVENTS = "orchestration.events.v1"
_RECORDS = [
    _record("jobs.requests.v1", Kind.JOB_REQUESTED),
    _record(_EVENTS, Kind.JOB_ACCEPTED),
    _record("a.queue.v1", Kind.STAGE_REQUESTED, "a"),
    _record(_EVENTS, Kind.STAGE_STARTED, "a"),
    _record(_EVENTS, Kind.STAGE_COMPLETED, "a"),
    _record("a.done.v1", Kind.STAGE_COMPLETED, "a"),
    _record("b.queue.v1", Kind.STAGE_REQUESTED, "b"),
    _record(_EVENTS, Kind.STAGE_STARTED, "b"),
    _record(_EVENTS, Kind.STAGE_COMPLETED, "b"),
    _record("b.done.v1", Kind.STAGE_COMPLETED, "b"),
    _record(_EVENTS, Kind.JOB_COMPLETED),
]


def _topics(copies: list[Copy]) -> list[str]:
    return [copy.topic for copy in copies]


def test_the_routers_part_leads_from_stage_to_stage() -> None:
    """A request leads to acceptance and the first stage, each result to the next, the last one to the job's end."""
    rules = router_rules(_RECORDS, ["a", "b"])
    expected = {
        "relay.jobs.requests.v1": ["relay.orchestration.events.v1", "relay.a.queue.v1"],
        "relay.a.done.v1": ["relay.b.queue.v1"],
        "relay.b.done.v1": ["relay.orchestration.events.v1"],
    }
    assert expected == {source: _topics(list(copies)) for source, copies in rules.items()}


def test_the_stages_part_answers_each_queue() -> None:
    """Work leads to its start, its end, and its result."""
    rules = stage_rules(_RECORDS, ["a", "b"])
    assert ["relay.orchestration.events.v1", "relay.orchestration.events.v1", "relay.b.done.v1"] == _topics(
        list(rules["relay.b.queue.v1"])
    )


def test_both_parts_send_all_records_but_the_request() -> None:
    """As many records as the real job had, less the one that the generator sends."""
    stages = ["a", "b"]
    count, _ = bytes_of([router_rules(_RECORDS, stages), stage_rules(_RECORDS, stages)])
    assert len(_RECORDS) - 1 == count


def test_rules_survive_their_file() -> None:
    """What is written for a relay process is what it reads."""
    rules = stage_rules(_RECORDS, ["a"])
    assert rules == from_json(to_json(rules))
