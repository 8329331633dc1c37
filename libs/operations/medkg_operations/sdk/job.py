"""A job, in the hands of a program."""

from __future__ import annotations

from contextlib import aclosing
from time import time
from typing import TYPE_CHECKING

from medkg_contracts.data import RecordRefused
from medkg_contracts.errors import (
    InvalidRequest,
    JobIdTaken,
    MedkgError,
    NotCompleted,
    NotFound,
    OrderRefused,
    Unfinished,
)
from medkg_contracts.events import read_data
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import Order
from medkg_explain import explain
from medkg_ledger import JobStatus

from medkg_operations.control import order_event, rerun_order

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from medkg_contracts.artifacts import ArtifactRef
    from medkg_contracts.cloudevents import CloudEvent
    from medkg_contracts.explanation import Explanation
    from medkg_ledger import JobState

    from .client import Client
    from .events import Event, Since

#: By so much may our clock be ahead of Kafka's, in milliseconds.
SKEW_MS = 60_000

#: Seconds that a wait lasts at most, unless somebody says otherwise.
WAIT_S = 600.0


class Job:
    """A job of the deployment; made by `Client.submit` or `Client.job`.

    Every method raises LedgerUnavailable or KafkaUnavailable when the server that it asks does not answer.

    Attributes:
        id: the job's id.
    """

    def __init__(self, client: Client, id: str, request: str | None = None) -> None:  # noqa: A002 - its name
        self.id = id
        self._client = client
        self._request = request
        self._asked_at = None if request is None else round(time() * 1000)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"

    async def status(self) -> JobState:
        """The ledger's record of the job: ``status``, ``current_stage``, ``nodes``, ``artifacts``, ``error``.

        Raises:
            NotFound: the ledger does not know it; just after `submit` the router may not have read the request yet.
        """
        state = await self._client.ledger.get(self.id)
        if state is None:
            raise NotFound(
                f"the ledger knows no job {self.id!r}",
                remedy="Wait for it (`await job.completed()`), or see what `await job.explain()` says.",
            )
        return state

    async def ended(self, timeout: float = WAIT_S) -> JobState:  # noqa: ASYNC109 - the wait is ours
        """Wait until the job has ended, however it ends.

        Args:
            timeout: seconds.

        Raises:
            Unfinished: it has not ended in time. It goes on, and may be waited for again.
            JobIdTaken: the id that the request named is another job's, which this one never was.
        """
        return await self._client.ends.until(self.id, self._look, timeout)

    async def completed(self, timeout: float = WAIT_S) -> JobState:  # noqa: ASYNC109 - as above
        """Wait until the job has completed.

        Args:
            timeout: seconds.

        Raises:
            NotCompleted: it has failed, was cancelled or was rejected; the message says why.
            Unfinished: it has not ended in time.
            JobIdTaken: as `ended`.
        """
        state = await self.ended(timeout)
        if state.status is JobStatus.COMPLETED:
            return state
        why = f": [{state.error.code}] {state.error.message}" if state.error else ""
        where = f" at {state.failed_stage}" if state.failed_stage else ""
        remedy = state.error.remedy if state.error else None
        raise NotCompleted(f"job {self.id} is {state.status}{where}{why}", remedy=remedy)

    async def cancel(self, reason: str = "") -> None:
        """Cancel the job: queued work is dropped, running work ends and does not count.

        Raises:
            OrderRefused: it has ended already, or nobody knows it.
            Unfinished: no router has answered; the order stands.
        """
        order = Order(by=self._client.by, reason=reason)
        await self._order(order_event(Kind.CONTROL_CANCEL, self.id, order, source=self._client.source))

    async def rerun(self, from_stage: str | None = None, *, latest: bool = False, reason: str = "") -> None:
        """Run the job again from this stage on; from None, from where it failed. What came before is kept.

        Args:
            from_stage: the stage.
            latest: on the newest version of its topology instead of its own.
            reason: why, for those who read the events.

        Raises:
            OrderRefused: it cannot be run again so; the message says why.
            Unfinished: no router has answered; the order stands.
        """
        order = rerun_order(self._client.by, reason, from_stage, latest=latest)
        await self._order(order_event(Kind.CONTROL_RERUN, self.id, order, source=self._client.source))

    async def explain(self) -> Explanation:
        """Why the job is where it is, and what to do about it; ``print(explanation.text())`` for a person."""
        return await explain(self.id, self._client.settings)

    async def artifacts(self) -> Mapping[str, ArtifactRef]:
        """What the job's stages have made so far, by name.

        Raises:
            NotFound: as `status`.
        """
        return (await self.status()).artifacts

    async def artifact(self, name: str) -> bytes:
        """The bytes of an artifact, such as ``document``.

        Raises:
            NotFound: the ledger does not know the job, or it has no such artifact (yet).
            ArtifactMissing: it is not in the artifact store.
            ArtifactStoreUnavailable: the store cannot be read from here.
        """
        state = await self.status()
        if name not in state.artifacts:
            has = ", ".join(sorted(state.artifacts)) or "none"
            raise NotFound(f"job {self.id} has no artifact {name!r}", remedy=f"It has {has}.")
        return await self._client.store.get(state.tenant_id, state.artifacts[name])

    async def events(self, since: Since | None = None) -> AsyncGenerator[Event, None]:
        """What has happened to the job, and what goes on happening; never ends by itself.

        Args:
            since: where to begin, as in `Client.events`; None: with the job.
        """
        begin = since if since is not None else await self._birth()
        async with aclosing(self._client.events(job=self.id, since=begin)) as events:
            async for event in events:
                yield event

    async def _birth(self) -> Since:
        """From when on events may tell of the job."""
        if self._asked_at is not None:
            return self._asked_at - SKEW_MS
        state = await self._client.ledger.get(self.id)
        return "beginning" if state is None else state.created_at - SKEW_MS

    async def _look(self) -> JobState | None:
        state = await self._client.ledger.get(self.id)
        refused = None if self._request is None else self._client.ends.refusal(self._request)
        if refused is not None:
            raise _refusal(refused)
        return state if state is not None and state.ended else None

    async def _order(self, order: CloudEvent) -> None:
        (answer,) = await self._client.give([order])
        if answer.kind is None:
            raise Unfinished(f"no router has answered the order about {self.id}; it stands")
        if answer.refusal is not None:
            raise OrderRefused(answer.refusal)


def _refusal(event: CloudEvent) -> MedkgError:
    error = read_data(event, RecordRefused).error
    kind = JobIdTaken if error.code == JobIdTaken.code else InvalidRequest
    return kind(error.message, remedy=error.remedy)
