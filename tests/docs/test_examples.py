"""The example programs and the packages' own examples work, and pages show them as they are."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from cloudevents.core.v1.event import CloudEvent as SdkEvent
from medkg_contracts.cloudevents import from_record
from medkg_contracts.requests import JobRequest
from medkg_routing import NodeEnded, Requested, read

from .blocks import DOCS, PAGES, REPOSITORY, Block, blocks

LIBRARIES = ["contracts", "routing", "artifacts", "stagekit"]

SHOWN = [(page, block) for page in PAGES for block in blocks(page) if block.title.startswith("docs/examples/")]


def example(name: str) -> ModuleType:
    """The example program as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def readme_example(library: str) -> str:
    """The first Python block of a library's README."""
    found = blocks(REPOSITORY / "libs" / library / "README.md")
    return next(block.text for block in found if block.language == "python")


async def make_topic(bootstrap: str, name: str) -> None:
    """Create a topic unless it is there."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        if name not in await admin.list_topics():
            await admin.create_topics([NewTopic(name, 2, 1)])
    finally:
        await admin.close()


async def read_one(bootstrap: str, topic: str, key: str) -> ConsumerRecord:
    """The first record of the topic with this key."""
    async with AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        async for record in consumer:
            if record.key == key.encode():
                return record
    raise AssertionError("a consumer never ends by itself")


@pytest.mark.parametrize(("page", "block"), SHOWN, ids=[f"{page.stem}-{block.title}" for page, block in SHOWN])
def test_pages_show_the_programs_as_they_are(page: Path, block: Block) -> None:
    """A program that a page shows is the file that its title names."""
    assert (REPOSITORY / block.title).read_text() == block.text, page


def test_the_publishing_program_is_short() -> None:
    """What is needed to publish a job stands in fifteen lines, imports and blank lines aside."""
    lines = (DOCS / "examples" / "publish.py").read_text().splitlines()
    code = [line for line in lines if line.strip() and not re.match(r'import |from |"""', line)]

    assert len(code) <= 15


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_librarys_example_runs(library: str) -> None:
    """The example of a library's README runs as it stands."""
    exec(compile(readme_example(library), f"libs/{library}/README.md", "exec"), {"__name__": "__main__"})  # noqa: S102


@pytest.mark.integration
def test_the_ledgers_example_runs(redis_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The ledger's example prints what its comments say, on a real Redis."""
    code = readme_example("ledger").replace("redis://127.0.0.1:6379/0", redis_url)

    exec(compile(code, "libs/ledger/README.md", "exec"), {"__name__": "__main__"})  # noqa: S102

    assert ["[True] [[True]]", "[False]", "['j-1']"] == capsys.readouterr().out.splitlines()


@pytest.mark.integration
async def test_a_published_request_is_read_as_a_job(kafka_bootstrap: str) -> None:
    """What the program publishes is a job request that the router reads, under the job's key."""
    await make_topic(kafka_bootstrap, "jobs.requests.v1")
    trial = f"NCT{uuid4().int % 10**8:08d}"

    await example("publish").publish(kafka_bootstrap, trial)

    record = await read_one(kafka_bootstrap, "jobs.requests.v1", f"my-{trial}")
    heard = read("jobs.requests.v1", from_record(record.headers, record.value))
    assert isinstance(heard, Requested)
    assert (f"my-{trial}", JobRequest(source="ctgov", id=trial)) == (heard.job_id, heard.request)


@pytest.mark.integration
async def test_an_approval_is_read_as_a_gates_event(kafka_bootstrap: str) -> None:
    """What the program sends is an event that opens a gate of the job."""
    topic = "approvals.v1"
    await make_topic(kafka_bootstrap, topic)
    job = f"review-{uuid4().hex[:8]}"

    await example("approve").approve(kafka_bootstrap, topic, job, "alice")

    record = await read_one(kafka_bootstrap, topic, job)
    heard = read(topic, from_record(record.headers, record.value))
    assert isinstance(heard, NodeEnded)
    assert (job, None) == (heard.job_id, heard.result.error)


@pytest.mark.integration
async def test_events_are_followed_from_the_beginning(kafka_bootstrap: str) -> None:
    """The program reads the events of the topic as the SDK's events."""
    topic = "orchestration.events.v1"
    await make_topic(kafka_bootstrap, topic)
    job = f"review-{uuid4().hex[:8]}"
    await example("approve").approve(kafka_bootstrap, topic, job, "alice")

    found: list[SdkEvent] = []
    async for event in example("follow").follow(kafka_bootstrap):
        found.append(event)
        if event.get_attributes().get("jobid") == job:
            break

    assert "org.example.approved" == found[-1].get_type()
