"""Ten thousand damaged records on real servers: each is accounted for, and the product works on."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaProducer
from medkg_bus.cluster import Cluster
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_contracts.records import Place, Record
from medkg_contracts.requests import JobRequest
from medkg_ledger import JobState, JobStatus
from medkg_operations.requests import request_event
from medkg_operations.views import ledger_of
from medkg_testing import LocalStack, local_stack

from .flood import FLOODED, SILENT, STAGE, Account, flood
from .seeds import Raw

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

#: Damaged records that come at once, and how often. Memory after the last wave is compared with that at half time.
WAVE: Final = 1_250
WAVES: Final = 8
#: A process that kept 3 KB of each of the further 5,000 records would grow by more. What it keeps by design is bounded:
#: the jobs written last, the buffers of its Kafka clients, the names of attributes.
MOST_GROWTH: Final = 1.15

PATIENCE_S: Final = 240.0
AN_HOUR_MS: Final = 3_600_000
STUDY: Final = "NCT05814159"

TOPOLOGIES: Final = {
    "policies.yaml": "policies:\n  default: {timeout: 30s, attempts: 1}\n",
    "pipelines/good.yaml": f'version: "1"\nname: good\nstages:\n  - {{name: {STAGE}, type: IngestStage}}\n',
    # The process of ingest has two stages, and the other's topics have to be there as well.
    "pipelines/unused.yaml": 'version: "1"\nname: unused\nstages:\n  - {name: expand, type: ExpandStage}\n',
    "pipelines/gated.yaml": (
        f'version: "1"\nname: gated\nstages:\n  - {{name: {STAGE}, type: IngestStage}}\n'
        "  - {name: approval, type: Gate, opens_on: approvals.v1, deadline: 10m}\n"
    ),
    "pipelines/victims.yaml": (
        f'version: "1"\nname: victims\nstages:\n  - {{name: {STAGE}, type: IngestStage}}\n'
        f"  - {{name: {SILENT}, type: Stage, outputs: [silence], depends_on: [{STAGE}]}}\n"
    ),
}


class Bed:
    """Router and ingest as processes on servers of their own, and what a test does around them."""

    def __init__(self, product: LocalStack) -> None:
        self.services = product.services
        self.settings = product.settings

    async def send(self, raws: Iterable[Raw], timestamp: int | None = None) -> dict[Place, Raw]:
        """Put records on their topics, as they are; where each stands."""
        sent: dict[Place, Raw] = {}
        client = AIOKafkaProducer(bootstrap_servers=self.settings.kafka, max_request_size=2 * 2**20)
        await client.start()
        try:
            pending = [(raw, await self._post(client, raw, timestamp)) for raw in raws]
            for raw, future in pending:
                metadata = await future
                sent[Place(metadata.topic, metadata.partition, metadata.offset)] = raw
        finally:
            await client.stop()
        return sent

    @staticmethod
    async def _post(client: AIOKafkaProducer, raw: Raw, timestamp: int | None) -> asyncio.Future[Any]:
        headers = list(raw.headers)
        if raw.key is not None or raw.value is not None:
            return await client.send(raw.topic, raw.value, raw.key, headers=headers, timestamp_ms=timestamp)  # type: ignore[no-any-return]
        batch = client.create_batch()
        batch.append(timestamp=timestamp, key=None, value=None, headers=headers)
        return await client.send_batch(batch, raw.topic, partition=0)  # type: ignore[no-any-return]

    async def request(self, topology: str, job_ids: Iterable[str], timestamp: int | None = None) -> None:
        """Ask for jobs as they should be asked for, at a time of the record's own if one is given."""
        request = JobRequest(source="ctgov", id=STUDY, topology=topology)
        events = [request_event(request, source="/tests/badinput", job=job_id) for job_id in job_ids]
        await self.send([record(topics.REQUESTS, event) for event in events], timestamp)

    async def reached(
        self, job_ids: Iterable[str], there: Callable[[JobState], bool], patience_s: float = PATIENCE_S
    ) -> dict[str, JobState]:
        """Wait until all of these jobs are there."""
        wanted = list(job_ids)
        async with ledger_of(self.settings) as ledger, asyncio.timeout(patience_s):
            while True:
                found = [await ledger.get(job_id) for job_id in wanted]
                states = {state.job_id: state for state in found if state is not None}
                if len(states) == len(wanted) and all(map(there, states.values())):
                    return states
                await asyncio.sleep(0.1)

    async def caught_up(self) -> None:
        """Wait until both services have dealt with all that stands on the flooded topics, and live."""
        async with Cluster(self.settings.kafka) as cluster, asyncio.timeout(PATIENCE_S):
            partitions = await cluster.partitions(*FLOODED)
            while all(replica.running for replica in self.services.replicas()):
                done = await cluster.committed(topics.ROUTER_GROUP) | await cluster.committed(topics.group(STAGE))
                # After what is committed: a record that is moved is there again before its first place is committed.
                ends = await cluster.ends(partitions)
                behind = {partition: end - done.get(partition, 0) for partition, end in ends.items()}
                if max(behind.values()) <= 0:
                    return
                await asyncio.sleep(0.2)
        raise AssertionError(f"a service has ended: {self.services.status()}")

    async def told(self) -> list[Record]:
        """All that stands on the DLQs and in the lifecycle."""
        names = [topics.EVENTS, topics.ROUTER_DLQ, topics.dlq(STAGE)]
        async with Cluster(self.settings.kafka) as cluster:
            return [record async for record in cluster.records(await cluster.ends(await cluster.partitions(*names)))]

    def memory(self) -> dict[str, int]:
        """What each of the processes has in memory, in KiB."""
        return {
            status.name: int(Path(f"/proc/{status.pid}/status").read_text().partition("VmRSS:")[2].split()[0])
            for status in self.services.status()
            if not status.name.startswith("replay")
        }


def record(topic: str, event: CloudEvent) -> Raw:
    """The event as a record."""
    return Raw(topic, event.extensions["jobid"].encode(), tuple(to_headers(event)), event.data)


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """The services, on servers that no other test floods or pauses."""
    topologies = tmp_path_factory.mktemp("flood-topologies")
    for name, text in TOPOLOGIES.items():
        file = topologies / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    with local_stack(
        tmp_path_factory.mktemp("flood"),
        topologies,
        parts=["kafka", "redis", "replay", "router", STAGE],
        environment={"MK_CTGOV_RATE": "10000", "MK_LOG_LEVEL": "ERROR"},
    ) as product:
        yield Bed(product)


async def test_a_flood_is_accounted_for(bed: Bed) -> None:
    """Each damaged record is in a DLQ byte for byte, or told of; good jobs complete, and memory stays flat."""
    victims = [f"victim-{number}" for number in range(100)]
    good = [f"good-{number}" for number in range(60)]
    await bed.request("victims", victims)
    await bed.reached(victims, lambda state: SILENT in state.nodes)

    sent: dict[Place, Raw] = {}
    memory: list[dict[str, int]] = []
    for wave in range(WAVES):
        sent |= await bed.send(flood(WAVE, victims, seed=wave))
        await bed.request("good", good[wave::WAVES])
        await bed.caught_up()
        memory.append(bed.memory())

    ended = await bed.reached(good, lambda state: state.ended)
    account = Account(await bed.told())
    assert WAVE * WAVES == len(sent)
    assert {JobStatus.COMPLETED} == {state.status for state in ended.values()}
    assert [] == account.changed(sent)
    assert {} == account.unaccounted(sent)
    assert set(FLOODED) <= {raw.topic for raw in account.letters.values()}
    # From the middle on: until then a process fills the memories that it is meant to have.
    growth = {name: memory[-1][name] / size for name, size in memory[WAVES // 2 - 1].items()}
    assert all(ratio < MOST_GROWTH for ratio in growth.values()), growth


async def test_an_answer_whose_data_are_gone_fails_its_job(bed: Bed) -> None:
    """A claim check that leads nowhere is in the DLQ, and its job has failed: it would wait for ever otherwise."""
    await bed.request("victims", ["unanswered"])
    await bed.reached(["unanswered"], lambda state: SILENT in state.nodes)
    answer = without_data(Kind.STAGE_COMPLETED, "unanswered", stage=SILENT, epoch="1")

    sent = await bed.send([record(topics.done(SILENT), answer)])
    states = await bed.reached(["unanswered"], lambda state: state.ended)

    assert (JobStatus.FAILED, SILENT) == (states["unanswered"].status, states["unanswered"].failed_stage)
    assert sent.items() <= Account(await bed.told()).letters.items()


async def test_a_request_whose_data_are_gone_is_rejected(bed: Bed) -> None:
    """So is a request, which has a job id that somebody will ask for."""
    sent = await bed.send([record(topics.REQUESTS, without_data(Kind.JOB_REQUESTED, "unasked"))])
    await bed.caught_up()
    states = await bed.reached(["unasked"], lambda state: state.ended, patience_s=1)

    assert JobStatus.REJECTED == states["unasked"].status
    assert sent.items() <= Account(await bed.told()).letters.items()


async def test_a_record_of_another_age_is_heard_as_of_now(bed: Bed) -> None:
    """What time a producer gives a record makes no difference: Kafka dates it, and its job begins then."""
    now = round(time() * 1000)
    ages = {"seconds": now // 1000, "long-ago": now - 60 * 86_400_000, "none": -1, "before-time": -(2**62)}
    for name, timestamp in ages.items():
        await bed.request("gated", [f"aged-{name}"], timestamp)
    states = await bed.reached([f"aged-{name}" for name in ages], lambda state: state.status is JobStatus.RUNNING)

    assert [] == [job_id for job_id, state in states.items() if abs(state.created_at - now) > AN_HOUR_MS]


def without_data(kind: Kind, job_id: str, **extensions: str) -> CloudEvent:
    """An event whose data are nowhere."""
    return make_event(
        kind,
        id=f"empty-{job_id}",
        source="/tests/badinput",
        time=datetime.now(UTC),
        data=None,
        job_id=job_id,
        extensions={"dataref": f"artifact://public/{'0' * 64}", **extensions},
    )
