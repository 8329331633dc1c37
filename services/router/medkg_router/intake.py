"""How a request becomes a job, or a rejection that says why."""

from collections.abc import Iterable
from dataclasses import replace

from medkg_artifacts import ArtifactStore
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.data import JobAccepted
from medkg_contracts.errors import InvalidRequest, MedkgError
from medkg_contracts.requests import JobRequest
from medkg_ledger import JobState, JobStatus
from medkg_ledger.store import Ledger
from medkg_routing import Decision, Requested, admit, ignore, reject

from .pins import Pins

#: A request above this many bytes of JSON stands in the ledger as a claim check.
REQUEST_BYTES = 16 * 1024

#: The name under which the router asks for cancelled batches; no stage service has it.
ROUTER = "router"


class Intake:
    """Accepts and rejects requests."""

    def __init__(self, ledger: Ledger, pins: Pins, store: ArtifactStore) -> None:
        self._ledger = ledger
        self._pins = pins
        self._store = store

    async def cancelled(self, requests: Iterable[Requested]) -> frozenset[str]:
        """Those of the requests' batches that are cancelled; one that was run again since is not any more.

        Raises:
            LedgerUnavailable: Redis does not answer.
        """
        batches = sorted({request.batch_id for request in requests if request.batch_id is not None})
        if not batches:
            return frozenset()
        fenced = list((await self._ledger.control_state(ROUTER, batches)).fences)
        states = await self._ledger.load(fenced)
        return frozenset(
            batch for batch, found in states.items() if found.state and found.state.status is JobStatus.CANCELLED
        )

    async def begin(
        self,
        event: Requested,
        now: int,
        *,
        error: MedkgError | None,
        before: JobState | None,
        cancelled: frozenset[str],
    ) -> tuple[Decision, MedkgError | None]:
        """Accept or reject a request; a job that was rejected before may be asked for again.

        Args:
            event: the request.
            now: its time, milliseconds since 1970.
            error: why it cannot be read.
            before: the job as its earlier rejection left it.
            cancelled: batches that are cancelled.

        Returns:
            The decision, and why the request belongs to the DLQ.

        Raises:
            LedgerUnavailable: the plan could not be kept.
            ArtifactStoreUnavailable: likewise.
        """
        try:
            if error is not None:
                raise error
            if event.batch_id in cancelled:
                refusal = InvalidRequest(
                    f"batch_id: the batch {event.batch_id} was cancelled",
                    remedy=f"`medkg job rerun {event.batch_id}` asks for it again, if it is wanted after all.",
                )
                return reject(event, refusal.info, now, after=before), None
            if not isinstance(event.request, JobRequest):
                raise InvalidRequest("the request cannot be read")
            return await self._accept(event, event.request, now, before), None
        except MedkgError as reason:
            if reason.retryable:
                raise
            if before is not None and before.error == reason.info:
                return ignore(before, event.origin, "duplicate"), None
            return reject(event, reason.info, now, after=before), reason

    async def _accept(self, event: Requested, request: JobRequest, now: int, before: JobState | None) -> Decision:
        plan, ref = await self._pins.pin(event.job_id, request)
        kept = await self._small(event.tenant_id, request)
        accepted = JobAccepted(pipeline=plan.name, digest=plan.digest, plan=ref, request=kept)
        return admit(plan, replace(event, request=kept), now, accepted=accepted, after=before)

    async def _small(self, tenant: str, request: JobRequest) -> JobRequest | ArtifactRef:
        if request.ids is None:
            return request
        body = request.canonical
        return request if len(body) <= REQUEST_BYTES else await self._store.put(tenant, "request", body)


def may_begin(state: JobState | None) -> bool:
    """Whether a request starts the job: nobody knows it, or its earlier request was rejected."""
    return state is None or state.status is JobStatus.REJECTED
