"""A job's artifacts: what the stage is given, and what it has made."""

import asyncio
from typing import Any

from medkg_artifacts import ArtifactStore
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.errors import ConfigurationError, InvalidInput
from medkg_contracts.model import first_violation
from medkg_contracts.requests import JobRequest
from pydantic import TypeAdapter, ValidationError

from .binding import Binding
from .job import Job
from .work import Work

_REQUEST = TypeAdapter(JobRequest)


class Materials:
    """Loads jobs' inputs and stores their outputs."""

    def __init__(self, binding: Binding, store: ArtifactStore) -> None:
        self._binding = binding
        self._store = store

    async def load(self, job: Job) -> None:
        """Load the job's inputs, or recall its outputs if it may be skipped; once is enough.

        Raises:
            MedkgError: an input is not there, cannot be read or is not what it should be.
        """
        if job.arguments is not None:
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
        names = list(self._binding.inputs)
        values = await asyncio.gather(*(self._input(work, name) for name in names))
        arguments = dict(zip(names, values, strict=True))
        job.arguments = {**arguments, "request": request} if self._binding.takes_request else arguments

    def _run_key(self, work: Work, request: JobRequest) -> str:
        asides = {"skip_completed": False, "until": None, "batch_id": None, "priority": "normal"}
        relevant = request.model_copy(update=asides)
        digests = {name: ref.sha256 for name, ref in work.inputs.items() if name in self._binding.inputs}
        return self._binding.run_key(relevant.model_dump_json().encode(), digests)

    async def _input(self, work: Work, name: str) -> Any:  # noqa: ANN401 - of the parameter's type
        ref = work.inputs.get(name)
        if ref is None:
            raise ConfigurationError(f"{work.node} needs the artifact {name!r}, which the topology does not give it")
        body = await self._store.get(work.ctx.tenant_id, ref)
        try:
            return self._binding.inputs[name].validate_json(body)
        except ValidationError as error:
            raise InvalidInput(f"artifact {name!r}: {first_violation(error)}") from error

    async def keep(self, job: Job) -> None:
        """Store what the stage returned for the job, and remember the run."""
        tenant = job.work.ctx.tenant_id
        artifacts = await self._outputs(tenant, job.result)
        if job.run_key is not None:
            await self._store.remember(tenant, job.run_key, artifacts)
        job.outcome.artifacts, job.kept = artifacts, True

    async def _outputs(self, tenant: str, result: Any) -> dict[str, ArtifactRef]:  # noqa: ANN401 - the stage's own
        if self._binding.expands:
            (name,) = self._binding.stage.outputs
            return {name: await self._store.put(tenant, name, result.model_dump_json().encode())}
        values = result if len(self._binding.outputs) > 1 else (result,)
        refs = [
            await self._store.put(tenant, name, adapter.dump_json(adapter.validate_python(value)))
            for (name, adapter), value in zip(self._binding.outputs.items(), values, strict=True)
        ]
        return {ref.name: ref for ref in refs}
