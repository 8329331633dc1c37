"""A stage at work on jobs whose artifacts are there as bytes, in whichever process that is."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from medkg_contracts.errors import ConfigurationError, InvalidInput, MedkgError, StageBug
from medkg_contracts.requests import JobRequest
from medkg_contracts.stages import StageContext

from .binding import REQUEST, Binding
from .work import Work, job_fields

logger = logging.getLogger(__name__)

#: What was made for a job, by artifact name, or why it failed.
Result = dict[str, bytes] | MedkgError


@dataclass(frozen=True, slots=True)
class Task:
    """One job, with all that its stage is given.

    Attributes:
        attempt: try within the epoch, from 1.
        inputs: the artifacts' bytes.
    """

    work: Work
    attempt: int
    request: JobRequest | None
    inputs: Mapping[str, bytes]

    def context(self, deadline: datetime) -> StageContext:
        """What the stage is told of the job when its time is over then."""
        metadata = self.request.metadata if self.request else {}
        return replace(self.work.ctx, attempt=self.attempt, metadata=metadata, deadline=deadline)


@dataclass(frozen=True, slots=True)
class Performed:
    """What became of a call.

    Attributes:
        results: a task's own result; None where the call failed as a whole.
        error: why it did.
    """

    results: Sequence[Result | None]
    error: MedkgError | None = None

    @classmethod
    def failed(cls, tasks: Sequence[Task], error: MedkgError) -> "Performed":
        """All of them failed together."""
        return cls([None] * len(tasks), error)


async def perform(binding: Binding, tasks: Sequence[Task], deadline: datetime) -> Performed:
    """Call a stage that does not expand, once, for all tasks whose artifacts can be read.

    Raises:
        MemoryError: there is not enough.
    """
    results: list[Result | None] = [None] * len(tasks)
    rows: dict[int, dict[str, Any]] = {}
    for number, task in enumerate(tasks):
        try:
            rows[number] = arguments(binding, task)
        except MedkgError as error:
            results[number] = error
    if not rows:
        return Performed(results)
    called = [tasks[number] for number in rows]
    try:
        values = await _invoke(binding, called, list(rows.values()), deadline)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a stage raises is its jobs' error
        return Performed(results, as_medkg(binding.name, called[0].work, error))
    for number, task, value in zip(rows, called, values, strict=True):
        results[number] = _result(binding, task.work, value)
    return Performed(results)


async def _invoke(
    binding: Binding, tasks: Sequence[Task], rows: Sequence[Mapping[str, Any]], deadline: datetime
) -> Sequence[Any]:
    contexts = [task.context(deadline) for task in tasks]
    if not binding.batched:
        (task,), (context,), (row,) = tasks, contexts, rows
        with job_fields(task.work):
            return [await binding.stage.execute(context, **row)]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    values: Sequence[Any] = await binding.stage.execute_batch(contexts, **columns)
    if len(values) != len(tasks):
        raise StageBug(f"execute_batch returned {len(values)} results for {len(tasks)} jobs")
    return values


def arguments(binding: Binding, task: Task) -> dict[str, Any]:
    """What the stage is called with, each of its parameter's type.

    Raises:
        ConfigurationError: the topology gives an option that the stage does not have.
        InvalidInput: an artifact is not what it should be.
    """
    _check_options(binding, task.work)
    values = {name: _argument(binding, name, task.inputs.get(name)) for name in binding.inputs}
    return {**values, REQUEST: task.request} if binding.takes_request else values


def _check_options(binding: Binding, work: Work) -> None:
    if unknown := sorted(set(work.ctx.options) - set(binding.options)):
        has = f"it has {', '.join(sorted(binding.options))}" if binding.options else "it has none"
        raise ConfigurationError(
            f"topology {work.ctx.pipeline!r}: the stage {work.node!r} has no option {unknown[0]!r}; {has}",
            remedy=f"Correct the stage's `options` in the topology {work.ctx.pipeline!r}, then "
            "`medkg job rerun JOB --latest`.",
        )


def _argument(binding: Binding, name: str, body: bytes | None) -> Any:  # noqa: ANN401 - of the parameter's type
    if body is None:
        return None  # an input that the stage can do without
    try:
        return binding.inputs[name].read(body)
    except ValueError as error:
        raise InvalidInput(f"artifact {name!r}: {error}") from error


def _result(binding: Binding, work: Work, value: Any) -> Result:  # noqa: ANN401 - the stage's own
    if isinstance(value, Exception):
        return as_medkg(binding.name, work, value)
    try:
        return _bodies(binding, value)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a result of another type than the stage declares
        return as_medkg(binding.name, work, error)


def _bodies(binding: Binding, value: Any) -> dict[str, bytes]:  # noqa: ANN401 - the stage's own
    values = value if len(binding.outputs) > 1 else (value,)
    return {name: codec.write(each) for (name, codec), each in zip(binding.outputs.items(), values, strict=True)}


def as_medkg(service: str, work: Work, error: Exception) -> MedkgError:
    """The error as one of medkg's: any other is the stage's bug, and logged."""
    if isinstance(error, MedkgError):
        return error
    with job_fields(work):
        logger.error("%s raised %s", service, type(error).__name__, exc_info=error)
    return StageBug(f"{service}: {type(error).__name__}: {error}")
