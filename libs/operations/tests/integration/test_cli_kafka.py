"""The commands that speak with Kafka, against a real one."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from medkg_bus.tail import Tail
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record, to_headers
from medkg_contracts.data import JobEnded
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_contracts.records import Record
from medkg_contracts.requests import read_request

from libs.cli.tests.calling import REPOSITORY, json_lines, medkg, medkg_json, send

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("settings")]


@pytest.fixture
def settings(kafka_bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that point at this session's Kafka, whose topics are there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MK_KAFKA", kafka_bootstrap)
    monkeypatch.setenv("MK_ARTIFACTS_URL", f"file://{tmp_path}/artifacts")
    monkeypatch.setenv("MK_TOPOLOGIES", str(REPOSITORY / "topologies"))
    monkeypatch.setenv("MK_ASYNCAPI", str(REPOSITORY / "asyncapi"))
    result = medkg("topics", "provision")
    assert 0 == result.exit_code, result.stderr


def ended(job_id: str, *, stage: str | None = None, tenant: str = "public") -> CloudEvent:
    """An event about a job."""
    return make_event(
        Kind.JOB_COMPLETED,
        id=uuid4().hex,
        source="/test",
        time=datetime.now(UTC),
        data=JobEnded(duration_ms=5.0),
        job_id=job_id,
        extensions={"tenantid": tenant, "correlationid": job_id, "stage": stage},
    )


def requests_of(bootstrap: str, job_id: str) -> list[Record]:
    """The records on the request topic with this key."""

    async def read() -> list[Record]:
        async with Tail(bootstrap, topics.REQUESTS, "beginning") as tail:
            found: list[Record] = []
            async for records in tail.polls():
                if not records:
                    return [record for record in found if record.key == job_id.encode()]
                found += records
        return []

    return asyncio.run(read())


def test_provisioning_twice_creates_nothing_more():
    """Topics that are there are left as they are."""
    assert [] == medkg_json("topics", "provision")["created"]


def test_provisioned_topics_can_be_used():
    """After provisioning every topic of the deployment has its leaders."""
    assert {"ok"} == {row["state"] for row in medkg_json("topics", "list")}


def test_a_topic_with_other_partitions_is_an_error(
    kafka_bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A topic that is cut otherwise is named, with what to do; nothing is changed."""

    async def create(name: str) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(name, 2, 1)])
        await admin.close()

    stage = f"cut{uuid4().hex[:8]}"
    asyncio.run(create(f"{stage}.queue.v1"))
    put_topology(tmp_path, stage)
    monkeypatch.setenv("MK_TOPOLOGIES", str(tmp_path / "topologies"))
    result = medkg("topics", "provision")
    assert 5 == result.exit_code
    assert f"{stage}.queue.v1 has 2 partitions, needs" in result.stderr


def test_a_topic_that_lets_producers_date_their_records_is_altered(
    kafka_bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A topic from before Kafka dated the records is altered and named; what else was set for it stays."""

    async def create() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
        await admin.start()
        (requests,) = await admin.describe_topics([topics.REQUESTS])
        partitions = len(requests["partitions"])
        await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs={"retention.bytes": "77777777"})])
        await admin.close()

    async def settings_of() -> dict[str, str]:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
        await admin.start()
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        await admin.close()
        return {name: value for name, value, *_ in answer.resources[0][4]}

    stage = f"old{uuid4().hex[:8]}"
    topic = f"{stage}.queue.v1"
    put_topology(tmp_path, stage)
    monkeypatch.setenv("MK_TOPOLOGIES", str(tmp_path / "topologies"))
    asyncio.run(create())
    altered = [medkg_json("topics", "provision")["altered"] for _ in range(2)]
    found = asyncio.run(settings_of())

    assert [[topic], []] == altered
    assert ("LogAppendTime", "77777777") == (found["message.timestamp.type"], found["retention.bytes"])


def put_topology(folder: Path, stage: str) -> None:
    """A folder of topologies with this stage alone."""
    pipelines = folder / "topologies" / "pipelines"
    pipelines.mkdir(parents=True)
    (pipelines.parent / "policies.yaml").write_text("policies:\n  default:\n    timeout: 5s\n    attempts: 1\n")
    (pipelines / "own.yaml").write_text(
        f'version: "1.0"\nname: own\nstages:\n  - name: {stage}\n    type: IngestStage\n'
    )


def test_submit_publishes_a_request(kafka_bootstrap: str):
    """The request is on its topic under the job's id, as an event that anybody could have written."""
    job_id = medkg("submit", "ctgov", "NCT05814159", "--tenant", "acme", "--metadata", "a=b").stdout.strip()
    (record,) = requests_of(kafka_bootstrap, job_id)
    event = from_record(record.headers, record.value)
    request = read_request(event)
    assert ("NCT05814159", {"a": "b"}) == (request.id, request.metadata)
    assert (job_id, "acme") == (event.extensions["jobid"], event.extensions["tenantid"])


def test_submit_of_many_ids_is_a_batch(kafka_bootstrap: str, tmp_path: Path):
    """A file of ids is one request for a batch."""
    (tmp_path / "ids.txt").write_text("NCT05814159\nNCT02300909\n")
    batch_id = medkg_json("submit", "ctgov", "--ids-file", "ids.txt")["batch_id"]
    (record,) = requests_of(kafka_bootstrap, batch_id)
    assert ["NCT05814159", "NCT02300909"] == read_request(from_record(record.headers, record.value)).ids


def test_a_large_request_is_a_claim_check(kafka_bootstrap: str, tmp_path: Path):
    """Ten thousand ids do not travel: the record refers to them in the artifact store."""
    (tmp_path / "ids.txt").write_text("".join(f"NCT{number:08}\n" for number in range(10_000)))
    batch_id = medkg("submit", "ctgov", "--ids-file", "ids.txt").stdout.strip()
    (record,) = requests_of(kafka_bootstrap, batch_id)
    event = from_record(record.headers, record.value)
    digest = event.extensions["dataref"].rpartition("/")[2]
    kept = json.loads((tmp_path / "artifacts" / "public" / "artifacts" / digest[:2] / digest).read_bytes())
    assert (None, 10_000) == (event.data, len(kept["ids"]))


def test_the_same_job_id_is_the_same_request(kafka_bootstrap: str):
    """Repeating a submit under its job id sends the same event again."""
    job_id = f"again-{uuid4().hex[:8]}"
    for _ in range(2):
        medkg("submit", "ctgov", "NCT05814159", "--job-id", job_id)
    ids = {from_record(record.headers, record.value).id for record in requests_of(kafka_bootstrap, job_id)}
    assert 1 == len(ids)


def test_waiting_without_a_router_ends_in_time():
    """When nobody works, --wait ends with its timeout and says what to look at."""
    result = medkg("submit", "ctgov", "NCT05814159", "--wait", "--timeout", "1")
    assert 1 == result.exit_code
    assert "error [unfinished]" in result.stderr


def test_tail_shows_a_jobs_events(kafka_bootstrap: str):
    """With a filter, only that job's events come, as CloudEvents JSON a line."""
    mine = f"tail-{uuid4().hex[:8]}"
    send(kafka_bootstrap, ended("other"), ended(mine), ended("another"))
    result = medkg("events", "tail", "--from-beginning", "--job", mine, "--limit", "1", "--json")
    assert [mine] == [event["jobid"] for event in json_lines(result)]


def test_tail_begins_so_long_ago(kafka_bootstrap: str):
    """--since begins at a time, so that what happened just now is still seen."""
    mine = f"since-{uuid4().hex[:8]}"
    send(kafka_bootstrap, ended(mine))
    result = medkg("events", "tail", "--since", "1m", "--job", mine, "--limit", "1")
    assert f"job.completed    {mine}" in result.stdout


def test_tail_survives_what_is_no_event(kafka_bootstrap: str):
    """A record that is no event is shown as such, and what comes after it is shown too."""
    mine = f"after-{uuid4().hex[:8]}"
    send(kafka_bootstrap, b"\xff garbage", ended(mine))
    lines = json_lines(medkg("events", "tail", "--from-beginning", "--job", "poison", "--limit", "1", "--json"))
    assert ["poison"] == [line["poison"]["key"] for line in lines]
    after = json_lines(medkg("events", "tail", "--from-beginning", "--job", mine, "--limit", "1", "--json"))
    assert [mine] == [event["jobid"] for event in after]


def test_tail_shows_what_is_committed(kafka_bootstrap: str):
    """What an aborted transaction has sent did not happen."""
    tenant = f"tenant-{uuid4().hex[:8]}"

    async def write() -> None:
        async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=tenant) as client:
            for job_id, end in (("dropped", client.abort_transaction), ("kept", client.commit_transaction)):
                event = ended(job_id, tenant=tenant)
                await client.begin_transaction()
                await client.send_and_wait(topics.EVENTS, event.data, headers=to_headers(event), partition=0)
                await end()

    asyncio.run(write())
    result = medkg("events", "tail", "--from-beginning", "--tenant", tenant, "--limit", "1", "--json")
    assert ["kept"] == [event["jobid"] for event in json_lines(result)]


def test_a_kafka_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch):
    """Without Kafka every command that needs it ends with 4 and says what to check."""
    monkeypatch.setenv("MK_KAFKA", "127.0.0.1:1")
    for words in (["submit", "ctgov", "NCT05814159"], ["events", "tail"], ["topics", "list"]):
        result = medkg(*words)
        assert (4, True) == (result.exit_code, result.stderr.startswith("error [kafka_unavailable]"))


def test_a_kafka_without_topics_says_how_to_make_them(monkeypatch: pytest.MonkeyPatch):
    """A missing topic is told with the command that creates it."""
    monkeypatch.setattr(topics, "EVENTS", "no.such.topic.v1")
    result = medkg("events", "tail")
    assert 5 == result.exit_code
    assert "medkg topics provision" in result.stderr
