"""The echo service as a process, and a view of the topics around it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.cloudevents import to_headers
from medkg_contracts.policy import Policy
from medkg_contracts.records import Record

from .fakes import asked

EVENTS = "orchestration.events.v1"
PATIENCE_S = 60.0
ONE_TRY = Policy()
_APP = Path(__file__).parent / "echo_service.py"


class EchoProcess:
    """A replica of the echo service."""

    def __init__(self, name: str, folder: Path, bootstrap: str, app: Path = _APP, **environment: str) -> None:
        self.name = name
        self.folder = folder
        self._log = folder / f"log-{len(list(folder.glob('log-*')))}"
        settings = {
            "MK_KAFKA": bootstrap,
            "MK_ARTIFACTS_URL": f"file://{folder / 'artifacts'}",
            "ECHO_NAME": name,
            "ECHO_FOLDER": str(folder),
            **environment,
        }
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(app)], env={**os.environ, **settings}, stderr=log, stdout=log, cwd=folder
            )

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it has logged."""
        return [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]

    @property
    def started(self) -> list[str]:
        """The jobs that were begun, by any replica, each as often as it was."""
        file = self.folder / "started"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def effects(self) -> list[str]:
        """The jobs that have had their effect."""
        return sorted(path.name.removeprefix("effect-of-") for path in self.folder.glob("effect-of-*"))

    def health(self, path: str) -> tuple[int, str | None]:
        """The status and the problem; 0 while nobody answers."""
        ports = [line["message"].rpartition(" ")[2] for line in self.lines if "health on port" in line["message"]]
        if not ports:
            return 0, None
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}{path}", timeout=5) as answer:
                return answer.status, None
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)["problem"]
        except OSError:
            return 0, None

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until the condition holds, and no longer than a service may take on a busy machine."""
        deadline = monotonic() + PATIENCE_S
        while not condition():
            if monotonic() > deadline or self.process.poll() not in (None, 0, 1, -signal.SIGKILL):
                raise AssertionError(f"{self.name} did not get there; it logged:\n{self._log.read_text()[-4000:]}")
            await asyncio.sleep(0.02)

    async def ready(self) -> Self:
        """Wait until it says that it is ready."""
        await self.until(lambda: self.health("/readyz")[0] == 200)
        return self

    async def ended(self, number: signal.Signals | None = None) -> int:
        """Send a signal, if one is given, and wait for the end; the exit code."""
        if number is not None:
            self.process.send_signal(number)
        await self.until(lambda: self.process.poll() is not None)
        return int(self.process.returncode)

    def end(self) -> None:
        """End it at once, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Bus:
    """The topics of one echo service, as a test sees them."""

    def __init__(self, bootstrap: str, name: str) -> None:
        self.name = name
        self._bootstrap = bootstrap
        self.queue, self.done, self.dlq = (f"{name}.{kind}.v1" for kind in ("queue", "done", "dlq"))
        self.records: list[Record] = []

    async def __aenter__(self) -> Self:
        """Create the topics and begin to read them."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await admin.start()
        sizes = {self.queue: 1_114_112, self.done: 1_114_112, self.dlq: 1_179_648, EVENTS: 1_114_112}
        await admin.create_topics(
            [NewTopic(name, 4, 1, topic_configs={"max.message.bytes": str(size)}) for name, size in sizes.items()]
        )
        await admin.close()
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, max_request_size=64 * 1024 * 1024, compression_type="gzip"
        )
        self._consumer = AIOKafkaConsumer(
            self.done, self.dlq, EVENTS, bootstrap_servers=self._bootstrap, auto_offset_reset="earliest"
        )
        await self._producer.start()
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._producer.stop()
        await self._consumer.stop()

    async def ask(self, words: Iterable[str], policy: Policy = ONE_TRY) -> None:
        """Ask for work on each word; the job's id is ``<service>-<word>``."""
        for word in words:
            await self.ask_for(word, f"{self.name}-{word}", policy)

    async def ask_for(self, word: str | ArtifactRef, job_id: str, policy: Policy = ONE_TRY) -> None:
        """Ask for work on the word."""
        event = asked(word, job_id, policy=policy, stage=self.name)
        await self.put(event.extensions["partitionkey"].encode(), event.data, to_headers(event))

    async def put(self, key, value, headers, partition: int | None = None) -> None:
        """Put a record on the queue."""
        if key is None and value is None:
            batch = self._producer.create_batch()
            batch.append(timestamp=None, key=None, value=None, headers=headers)
            await (await self._producer.send_batch(batch, self.queue, partition=partition))
        else:
            await self._producer.send_and_wait(self.queue, value, key, partition=partition, headers=headers)

    async def until(self, condition: Callable[[], object]) -> None:
        """Read until the condition holds."""
        deadline = monotonic() + PATIENCE_S
        while not condition():
            assert monotonic() < deadline, f"it never came; there are {[r.topic for r in self.records]}"
            batches = await self._consumer.getmany(timeout_ms=100)
            self.records += [
                Record(raw.topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, raw.headers)
                for batch in batches.values()
                for raw in batch
            ]

    def answered(self) -> dict[str, list[dict[str, Any]]]:
        """The answers' data, by job."""
        answers: dict[str, list[dict[str, Any]]] = {}
        for record in self.records:
            if record.topic == self.done:
                answers.setdefault(record.key.decode(), []).append(json.loads(record.value))
        return answers

    async def committed(self) -> None:
        """Wait until the service has committed all of its queue."""
        deadline = monotonic() + PATIENCE_S
        while lag := await self.lag():
            assert monotonic() < deadline, f"{lag} records of the queue were never committed"

    async def lag(self) -> int:
        """How many records of the queue the service has not committed."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await admin.start()
        offsets = await admin.list_consumer_group_offsets(f"medkg.{self.name}")
        await admin.close()
        ends = await self._consumer.end_offsets([TopicPartition(self.queue, number) for number in range(4)])
        return sum(end - max(0, offsets[at].offset if at in offsets else 0) for at, end in ends.items())
