"""A job's artifacts: what the stage is given, and what it has made."""

import asyncio
from collections.abc import Mapping

from medkg_artifacts import ArtifactStore
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.errors import ConfigurationError, InvalidInput
from medkg_contracts.ir import RawPayload
from medkg_contracts.model import first_violation
from medkg_contracts.requests import JobRequest
from pydantic import TypeAdapter, ValidationError

from .binding import Binding
from .codec import JSON
from .job import Job
from .work import Work

_REQUEST = TypeAdapter(JobRequest)
_PAYLOADS = TypeAdapter(list[RawPayload])


class ArtifactIO:
    """Loads jobs' inputs and stores their outputs."""

    def __init__(self, binding: Binding, store: ArtifactStore) -> None:
        self._binding = binding
        self._store = store

    async def load(self, job: Job) -> None:
        """Load the job's inputs, or recall its outputs if it may be skipped; once is enough.

        Raises:
            MedkgError: an input is not there, cannot be read or is not what it should be.
        """
        if job.bodies is not None:
            return
        try:
            await self._load(job)
        except ValidationError as error:
            raise InvalidInput(f"the request: {first_violation(error)}") from error

    async def _load(self, job: Job) -> None:
        work, request = job.work, job.work.request
        if isinstance(request, ArtifactRef):
            request = _REQUEST.validate_json(await self._store.get(work.ctx.tenant_id, request))
        job.request = request
        if self._binding.pure:
            job.run_key = self._run_key(work, request)
            if request.skip_completed and (known := await self._store.recall(work.ctx.tenant_id, job.run_key)):
                job.outcome.artifacts, job.outcome.skipped = known, True
                return
        names = [name for name, codec in self._binding.inputs.items() if name in work.inputs or not codec.optional]
        bodies = await asyncio.gather(*(self._input(work, name) for name in names))
        job.bodies = dict(zip(names, bodies, strict=True))

    def _run_key(self, work: Work, request: JobRequest) -> str:
        asides = {"skip_completed": False, "until": None, "batch_id": None, "priority": "normal"}
        relevant = request.model_copy(update=asides)
        digests = {name: ref.sha256 for name, ref in work.inputs.items() if name in self._binding.inputs}
        return self._binding.run_key(relevant.model_dump_json().encode(), digests, work.ctx.options)

    async def _input(self, work: Work, name: str) -> bytes:
        ref = work.inputs.get(name)
        if ref is None:
            raise ConfigurationError(f"{work.node} needs the artifact {name!r}, which the topology does not give it")
        return await self._store.get(work.ctx.tenant_id, ref)

    async def keep(self, job: Job) -> None:
        """Store what was made for the job, and remember the run."""
        tenant = job.work.ctx.tenant_id
        kinds = {name: codec.media_type for name, codec in self._binding.outputs.items()}
        refs = [await self._store.put(tenant, name, body, kinds.get(name, JSON)) for name, body in job.made.items()]
        artifacts = {ref.name: ref for ref in refs}
        if job.run_key is not None:
            await self._store.remember(tenant, job.run_key, artifacts)
        job.outcome.artifacts, job.kept = artifacts, True
        job.outcome.doc_id = _renamed(job.work.ctx.doc_id, job.made)


def _renamed(doc_id: str, made: Mapping[str, bytes]) -> str | None:
    """What the payloads' source calls the item, if that differs: only the source's code knows how it writes ids."""
    try:
        payloads = _PAYLOADS.validate_json(made.get("payloads", b"[]"))
    except ValidationError:
        return None  # another stage's artifact of the same name
    names = {f"{payload.source}:{payload.source_id}" for payload in payloads}
    return names.pop() if len(names) == 1 and names != {doc_id} else None
