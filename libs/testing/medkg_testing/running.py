"""The whole product as a test sees it: ask for jobs, and see what becomes of them."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, TypeAlias, overload

from medkg import Client, connect
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_contracts.errors import InvalidRequest
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.model import first_violation
from medkg_contracts.records import Record
from medkg_contracts.requests import DEFAULT_TENANT, JobRequest
from medkg_operations.requests import request_event
from pydantic import ValidationError

from .product import Product
from .recorded import recorded
from .watch import Watch
from .wire import Wire

#: The `source` of requests.
SOURCE: Final = "/medkg/testing"

#: A request, or the fields of one.
Request: TypeAlias = JobRequest | Mapping[str, Any]


class MedkgStack:
    """A running product. Its methods wait, and may be called from any thread.

    In a test that is a coroutine, call them as ``await asyncio.to_thread(medkg_stack.submit, {…})``.

    Attributes:
        kafka: bootstrap server, ``127.0.0.1:port``.
        redis_url: the ledger's Redis.
        opensearch_url: the search index.
        replay_url: the server of recorded studies, which stands for ClinicalTrials.gov.
        settings: all of these as the settings of a service, for functions of `medkg_operations`.
        topologies: the folder of its topologies: a copy that tests may change, and the router reads again.
    """

    def __init__(self, product: Product, wire: Wire) -> None:
        self.settings = product.settings
        self.kafka = product.settings.kafka
        self.redis_url = product.settings.redis_url
        self.opensearch_url = product.settings.opensearch_url
        self.topologies = product.settings.topologies
        self.replay_url = product.replay_url
        self._product = product
        self._wire = wire
        self._story = wire.story

    @overload
    def submit(self, request: Request, *, tenant: str = ..., job: str | None = ...) -> str: ...
    @overload
    def submit(
        self, request: Sequence[Request], *, tenant: str = ..., job: Sequence[str] | None = ...
    ) -> list[str]: ...
    def submit(
        self,
        request: Request | Sequence[Request],
        *,
        tenant: str = DEFAULT_TENANT,
        job: str | Sequence[str] | None = None,
    ) -> str | list[str]:
        """Publish job requests as any producer would, and wait until Kafka has them.

        Args:
            request: such as ``{"source": "ctgov", "id": "NCT05814159"}``; or a list of such, each a job of its own.
            tenant: whose jobs they are.
            job: the job's id, or those of all in the list; the same id twice is one job. None makes new jobs.

        Returns:
            The job's id; of a list, all ids in its order.

        Raises:
            InvalidRequest: a field, the tenant or an id breaks its rule; nothing was published.
            KafkaUnavailable: Kafka did not answer.
        """
        single = isinstance(request, JobRequest | Mapping)
        requests = [_request(request)] if isinstance(request, JobRequest | Mapping) else [*map(_request, request)]
        names = [None] * len(requests) if job is None else [job] if isinstance(job, str) else list(job)
        if len(names) != len(requests):
            raise InvalidRequest(f"{len(requests)} requests have {len(names)} ids", remedy="Give each of them an id.")
        events = [
            request_event(each, source=SOURCE, tenant=tenant, job=name)
            for each, name in zip(requests, names, strict=True)
        ]
        self._wire.ask(events)
        jobs = [event.extensions["jobid"] for event in events]
        return jobs[0] if single else jobs

    def wait_for_event(
        self, kind: Kind | str, job: str, timeout: float = 60.0, *, stage: str | None = None
    ) -> CloudEvent:
        """The job's first event of this kind, whether it has come or still comes.

        Args:
            kind: such as ``job.completed`` or ``gate.waiting``.
            job: its id.
            timeout: seconds.
            stage: an event about this stage; None takes the first, whichever stage it is about.

        Raises:
            NotAsExpected: it did not come in time; or an end was waited for and the job ended otherwise, which
                is said at once.
            InvalidRequest: there is no such kind of event.
        """
        __tracebackhide__ = True
        try:
            wanted = Kind(kind)
        except ValueError as error:
            raise InvalidRequest(
                f"no event is called {kind!r}", remedy=f"There are {', '.join(sorted(Kind))}."
            ) from error
        return self._story.wait(wanted, job, timeout, stage)

    def wait_for_end(self, job: str, timeout: float = 60.0) -> Kind:
        """Wait until the job has ended, however it ends; how, such as ``job.failed``.

        Args:
            job: its id.
            timeout: seconds.

        Raises:
            NotAsExpected: it did not end in time.
        """
        __tracebackhide__ = True
        return self.wait_for_ends([job], timeout)[job]

    def wait_for_ends(self, jobs: Sequence[str], timeout: float = 90.0) -> dict[str, Kind]:
        """Wait until all of these jobs have ended, however they end; how, by their ids.

        Args:
            jobs: their ids.
            timeout: seconds, for all of them together.

        Raises:
            NotAsExpected: one of them did not end in time.
        """
        __tracebackhide__ = True
        ends = self._story.wait_for_ends(jobs, timeout)
        return {job: Kind(str(kind_of(event))) for job, event in zip(jobs, ends, strict=True)}

    def events(self, job: str) -> list[CloudEvent]:
        """The job's lifecycle events so far, in order, each once.

        After `wait_for_event` these are at least all that came before the event it returned.
        """
        return self._story.of(job)

    def forget(self, jobs: Sequence[str]) -> None:
        """Keep the events of these jobs no longer: for those who send jobs by the ten thousand."""
        self._story.forget(jobs)

    def watch(self) -> AbstractContextManager[Watch]:
        """Every lifecycle event from now on, of whichever job, until the end of the context."""
        return self._story.watch()

    def publish(self, topic: str, event: CloudEvent) -> None:
        """Publish an event that is no job request, such as the one that a gate waits for, under its job's id.

        Raises:
            KafkaUnavailable: Kafka did not answer, or has no such topic.
        """
        key = event.extensions["jobid"].encode()
        self.put([Record(topic, 0, 0, 0, key, event.data, to_headers(event))])

    def put(self, records: Sequence[Record]) -> None:
        """Put records on their topics as they are, such as bad input; where a record goes says its key alone.

        Raises:
            KafkaUnavailable: Kafka did not answer, or has no such topic.
        """
        self._wire.put(records)

    def connect(self, *, tenant: str = DEFAULT_TENANT) -> Client:
        """A connection of the Python SDK: the state of jobs, artifacts, explanations, orders, searches.

        ``async with medkg_stack.connect() as kg: state = await kg.job(job).status()``. The services' artifact store
        can be read where they are processes; containers keep it in a volume of theirs.
        """
        return connect(self.settings, tenant=tenant, source=SOURCE)

    def recorded(self) -> list[str]:
        """The ids of all trials that the source has."""
        return recorded()

    def scale(self, service: str, replicas: int) -> None:
        """Have exactly this many consumers of a service, such as ``chunk``, and wait until all are ready.

        Raises:
            ConfigurationError: there is no such service, or it cannot have that many.
            ResourceUnavailable: one of them did not come up.
        """
        self._product.scale(service, replicas)

    def start(self, *names: str) -> None:
        """Start services or servers that do not run, all when none is named, and wait until they serve.

        Raises:
            ConfigurationError: there is no such service or server.
            ResourceUnavailable: one of them did not come up.
        """
        self._product.start(*names)

    def stop(self, *names: str) -> None:
        """End services in good order, such as ``chunk``, or servers, such as ``kafka``.

        Raises:
            ConfigurationError: there is no such service or server.
        """
        self._product.stop(*names)

    def kill(self, name: str) -> None:
        """End a service or a server, with all its replicas, as a crash would; `start` brings it back.

        Raises:
            ConfigurationError: there is no such service or server.
        """
        self._product.kill(name)

    def suspend(self, service: str) -> None:
        """Let a service hang, with all its replicas: it is there, and does nothing, until it is resumed.

        Raises:
            ConfigurationError: there is no such service, or it does not run.
        """
        self._product.suspend(service)

    def resume(self, service: str) -> None:
        """Let a suspended service go on.

        Raises:
            ConfigurationError: there is no such service, or it does not run.
        """
        self._product.resume(service)


def _request(given: Request) -> JobRequest:
    if isinstance(given, JobRequest):
        return given
    try:
        return JobRequest.model_validate(dict(given))
    except ValidationError as error:
        raise InvalidRequest(first_violation(error)) from error
