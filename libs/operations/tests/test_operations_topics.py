"""Which topics a deployment needs, and how Kafka has them."""

from pathlib import Path

import pytest
from medkg_contracts.asyncapi import TopicSpec
from medkg_contracts.errors import ConfigurationError
from medkg_operations.topics import TopicState, check_partitions, fitted, state_of, wanted_topics
from medkg_stagekit import installed_stages

ROOT = Path(__file__).parents[3]
SPEC = TopicSpec("jobs.requests.v1", 12, 1, {})


def wanted(documents: Path = ROOT / "asyncapi", topologies: Path = ROOT / "topologies") -> list[TopicSpec]:
    return wanted_topics(documents, topologies, print)


def test_stages_and_gates_of_all_topologies_get_their_topics():
    """Each stage service has a queue, a done topic and a DLQ; a gate has its topic."""
    names = {spec.name for spec in wanted()}
    needed = {"jobs.requests.v1", "expand.queue.v1", "chunk.done.v1", "index.dlq.v1", "approvals.v1"}
    assert set() == needed - names


def test_a_stage_that_no_topology_uses_gets_its_topics(tmp_path: Path):
    """Every stage with a document has its topics, since its service waits for work there."""
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "policies.yaml").write_text((ROOT / "topologies" / "policies.yaml").read_text())
    (tmp_path / "pipelines" / "own.yaml").write_text(
        'version: "1.0"\nname: own\nstages:\n  - {name: ingest, type: IngestStage}\n'
    )
    names = {spec.name for spec in wanted(topologies=tmp_path)}

    assert {f"{stage}.queue.v1" for stage in installed_stages()} == {
        name for name in names if name.endswith(".queue.v1")
    }


def test_all_topics_have_the_same_number_of_partitions():
    """One router replica sees all events of a job only if all topics are cut alike."""
    assert 1 == len({spec.partitions for spec in wanted()})


def test_kafka_dates_the_records_of_all_topics():
    """No producer dates a record: a job's times are records' times, and retention deletes what is dated long ago."""
    assert {"LogAppendTime"} == {spec.config["message.timestamp.type"] for spec in wanted()}


@pytest.mark.parametrize(("setting", "field"), [("MK_ASYNCAPI", "documents"), ("MK_TOPOLOGIES", "topologies")])
def test_a_missing_folder_is_named_by_its_setting(tmp_path: Path, setting: str, field: str):
    """A folder that is not there is an error that names the setting."""
    with pytest.raises(ConfigurationError, match=setting):
        wanted(**{field: tmp_path / "none"})


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ({}, "missing"),
        ({SPEC.name: TopicState(12, 1, 12)}, "ok"),
        ({SPEC.name: TopicState(12, 1, 11)}, "no leader"),
        ({SPEC.name: TopicState(3, 1, 3)}, "has 3 partitions, needs 12"),
    ],
)
def test_a_topics_state_is_told(found, state):
    """A topic is there as it must be, or it is said how it is not."""
    assert state == state_of(SPEC, found)


@pytest.mark.parametrize(("brokers", "replicas", "in_sync"), [(1, 1, "1"), (2, 2, "1"), (3, 3, "2"), (5, 3, "2")])
def test_a_topic_has_as_many_copies_as_there_are_brokers(brokers: int, replicas: int, in_sync: str):
    """No more copies than brokers or than asked for; where there are several, writing goes on without one of them."""
    spec = fitted(TopicSpec("jobs.requests.v1", 12, 3, {"retention.ms": "1"}), brokers)
    assert (replicas, {"retention.ms": "1", "min.insync.replicas": in_sync}) == (spec.replicas, spec.config)


def test_other_partition_counts_are_refused():
    """An existing topic that is cut otherwise is an error that says what to do; nothing is changed silently."""
    with pytest.raises(ConfigurationError, match="has 3 partitions, needs 12") as caught:
        check_partitions([SPEC], {SPEC.name: TopicState(3, 1, 3)})
    assert "Delete" in caught.value.info.remedy


def test_a_missing_topic_is_no_contradiction():
    """A topic that is still to be created contradicts nothing."""
    check_partitions([SPEC], {})
