"""The whole product as a test sees it: ask for jobs, and see what becomes of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, overload

from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.errors import InvalidRequest
from medkg_contracts.kinds import Kind
from medkg_contracts.model import first_violation
from medkg_contracts.requests import DEFAULT_TENANT, JobRequest
from medkg_operations.requests import request_event
from pydantic import ValidationError

from .product import Product
from .story import Story
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
    """

    def __init__(self, product: Product, wire: Wire, story: Story) -> None:
        self.kafka = product.kafka
        self.redis_url = product.redis_url
        self.opensearch_url = product.opensearch_url
        self.replay_url = product.replay_url
        self._product = product
        self._wire = wire
        self._story = story

    @overload
    def submit(self, request: Request, *, tenant: str = ..., job: str | None = ...) -> str: ...
    @overload
    def submit(self, request: Sequence[Request], *, tenant: str = ...) -> list[str]: ...
    def submit(
        self, request: Request | Sequence[Request], *, tenant: str = DEFAULT_TENANT, job: str | None = None
    ) -> str | list[str]:
        """Publish job requests as any producer would, and wait until Kafka has them.

        Args:
            request: such as ``{"source": "ctgov", "id": "NCT05814159"}``; or a list of such, each a job of its own.
            tenant: whose jobs they are.
            job: the id of the one job; the same id twice is one job. None makes a new job.

        Returns:
            The job's id; of a list, all ids in its order.

        Raises:
            InvalidRequest: a field, the tenant or the id breaks its rule; nothing was published.
            KafkaUnavailable: Kafka did not answer.
        """
        if isinstance(request, JobRequest | Mapping):
            (made,) = self._publish([request_event(_request(request), source=SOURCE, tenant=tenant, job=job)])
            return made
        if job is not None:
            raise InvalidRequest("one job id is given for a list of requests", remedy="Submit them one by one.")
        return self._publish([request_event(_request(one), source=SOURCE, tenant=tenant) for one in request])

    def wait_for_event(self, kind: Kind | str, job: str, timeout: float = 60.0) -> CloudEvent:
        """The job's first event of this kind, whether it has come or still comes.

        Args:
            kind: such as ``job.completed`` or ``gate.waiting``.
            job: its id.
            timeout: seconds.

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
        return self._story.wait(wanted, job, timeout)

    def events(self, job: str) -> list[CloudEvent]:
        """The job's lifecycle events so far, in order.

        After `wait_for_event` these are at least all that came before the event it returned.
        """
        return self._story.of(job)

    def scale(self, service: str, replicas: int) -> None:
        """Have exactly this many consumers of a service, such as ``chunk``, and wait until all are ready.

        Raises:
            ConfigurationError: there is no such service, or it cannot have that many.
            ResourceUnavailable: one of them did not come up.
        """
        self._product.scale(service, replicas)

    def _publish(self, events: Sequence[CloudEvent]) -> list[str]:
        self._wire.send(events)
        return [event.extensions["jobid"] for event in events]


def _request(given: Request) -> JobRequest:
    if isinstance(given, JobRequest):
        return given
    try:
        return JobRequest.model_validate(dict(given))
    except ValidationError as error:
        raise InvalidRequest(first_violation(error)) from error
