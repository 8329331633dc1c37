"""Ten thousand damaged records on real servers: each is accounted for, and the product works on."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaProducer
from medkg_cli.settings import CliSettings
from medkg_cli.topics import provision_topics
from medkg_contracts import topics
from medkg_contracts.cloudevents import to_headers
from medkg_contracts.deadletter import Place, Record
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_contracts.requests import JobRequest
from medkg_explain.cluster import Cluster
from medkg_ledger import JobState, JobStatus, Ledger
from medkg_stack import Ports, Services, Stack
from medkg_stack.ports import free_port

from .flood import FLOODED, SILENT, STAGE, Account, flood
from .seeds import REPOSITORY, Raw

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

#: Damaged records that come at once, and how often. After the first wave memory is measured for the first time.
WAVE: Final = 2_000
WAVES: Final = 5
#: A process that kept 2 KB of each of the further 8,000 records would grow by more. What it keeps by design is bounded:
#: the jobs written last, the buffers of its Kafka clients, the names of attributes.
MOST_GROWTH: Final = 1.2

PATIENCE_S: Final = 240.0
STUDY: Final = "NCT05814159"

TOPOLOGIES: Final = {
    "policies.yaml": "policies:\n  default: {timeout: 30s, attempts: 1}\n",
    "pipelines/good.yaml": f'version: "1"\nname: good\nstages:\n  - {{name: {STAGE}, type: IngestStage}}\n',
    # The process of ingest has two stages, and the other's topics have to be there as well.
    "pipelines/unused.yaml": 'version: "1"\nname: unused\nstages:\n  - {name: expand, type: ExpandStage}\n',
    "pipelines/victims.yaml": (
        f'version: "1"\nname: victims\nstages:\n  - {{name: {STAGE}, type: IngestStage}}\n'
        f"  - {{name: {SILENT}, type: Stage, outputs: [silence], depends_on: [{STAGE}]}}\n"
    ),
}


class Bed:
    """Router and ingest as processes on servers of their own, and what a test does around them."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        for name, text in TOPOLOGIES.items():
            file = folder / "topologies" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        port = free_port()
        environment = {
            **stack.environment(),
            "MK_TOPOLOGIES": str(folder / "topologies"),
            "MK_REPLAY_PORT": str(port),
            "MK_CTGOV_URL": f"http://127.0.0.1:{port}",
            "MK_CTGOV_RATE": "10000",
            "MK_LOG_LEVEL": "ERROR",
        }
        self.services = Services(folder, environment, report=lambda _: None)
        self.settings = CliSettings(
            kafka=stack.kafka.address,
            redis_url=stack.redis.address,
            artifacts_url=environment["MK_ARTIFACTS_URL"],
            topologies=folder / "topologies",
            asyncapi=REPOSITORY / "asyncapi",
        )

    async def send(self, raws: Iterable[Raw]) -> dict[Place, Raw]:
        """Put records on their topics, as they are; where each stands."""
        sent: dict[Place, Raw] = {}
        client = AIOKafkaProducer(bootstrap_servers=self.settings.kafka, max_request_size=2 * 2**20)
        await client.start()
        try:
            pending = [(raw, await self._post(client, raw)) for raw in raws]
            for raw, future in pending:
                metadata = await future
                sent[Place(metadata.topic, metadata.partition, metadata.offset)] = raw
        finally:
            await client.stop()
        return sent

    @staticmethod
    async def _post(client: AIOKafkaProducer, raw: Raw) -> asyncio.Future[Any]:
        if raw.key is not None or raw.value is not None:
            return await client.send(raw.topic, raw.value, raw.key, headers=list(raw.headers))  # type: ignore[no-any-return]
        batch = client.create_batch()
        batch.append(timestamp=None, key=None, value=None, headers=list(raw.headers))
        return await client.send_batch(batch, raw.topic, partition=0)  # type: ignore[no-any-return]

    async def request(self, topology: str, job_ids: Iterable[str]) -> None:
        """Ask for jobs as they should be asked for."""
        events = [
            make_event(
                Kind.JOB_REQUESTED,
                id=f"request-{job_id}",
                source="/tests/badinput",
                time=datetime.now(UTC),
                data=JobRequest(source="ctgov", id=STUDY, topology=topology),
                job_id=job_id,
            )
            for job_id in job_ids
        ]
        await self.send(
            Raw(topics.REQUESTS, event.extensions["jobid"].encode(), tuple(to_headers(event)), event.data)
            for event in events
        )

    async def reached(self, job_ids: Iterable[str], there: Callable[[JobState], bool]) -> dict[str, JobState]:
        """Wait until all of these jobs are there."""
        ledger = Ledger.from_url(self.settings.redis_url)
        wanted = list(job_ids)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    loaded = await ledger.load(wanted)
                    states = {job_id: each.state for job_id, each in loaded.items() if each.state is not None}
                    if len(states) == len(wanted) and all(map(there, states.values())):
                        return states
                    await asyncio.sleep(0.1)
        finally:
            await ledger.close()

    async def caught_up(self) -> None:
        """Wait until both services have dealt with all that stands on the flooded topics."""
        async with Cluster(self.settings.kafka) as cluster, asyncio.timeout(PATIENCE_S):
            ends = await cluster.ends(await cluster.partitions(*FLOODED))
            while True:
                done = await cluster.committed(topics.ROUTER_GROUP) | await cluster.committed(topics.group(STAGE))
                behind = {partition: end - done.get(partition, 0) for partition, end in ends.items()}
                if max(behind.values()) <= 0:
                    return
                await asyncio.sleep(0.2)

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


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """The services, on servers that no other test floods or pauses."""
    stack = Stack(tmp_path_factory.mktemp("flood-servers"), Ports.free(), report=lambda _: None)
    stack.up(only=["kafka", "redis"])
    bed = Bed(stack, tmp_path_factory.mktemp("flood"))
    try:
        asyncio.run(provision_topics(bed.settings))
        bed.services.start(["replay", "router", STAGE])
        yield bed
    finally:
        bed.services.stop()
        stack.wipe()



async def test_names(bed: Bed) -> None:
    import struct
    from aiokafka.record.util import calc_crc32c
    client = AIOKafkaProducer(bootstrap_servers=bed.settings.kafka, max_request_size=2 * 2**20)
    await client.start()
    batch = client.create_batch()
    batch.append(timestamp=None, key=b"victim-1", value=b"x", headers=[("XXXX", b"1")])
    batch.append(timestamp=None, key=b"victim-1", value=b"y", headers=[])
    batch.close()
    build = batch._build
    def patched():
        build()
        raw = bytearray(batch._buffer); i = raw.find(b"XXXX"); raw[i:i+4] = bytes([255,254,255,254])
        struct.pack_into(">I", raw, 17, calc_crc32c(bytes(raw[21:])))
        batch._buffer = raw
    batch._build = patched
    m = await (await client.send_batch(batch, topics.done(SILENT), partition=0))
    print(m)
    await client.stop()
    await bed.request("good", ["good-a"])
    try:
        async with asyncio.timeout(60):
            await bed.caught_up()
            print("CAUGHT UP")
    finally:
        print((bed.services.root / "logs" / "router-1.log").read_text()[-6000:])
        print(bed.services.status())
    print([r for r in await bed.told() if r.topic == topics.ROUTER_DLQ])
    assert 0
