"""How a stage that computes is run: in processes of its own, so that it can be ended and bounded (ADR 0025)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from medkg_contracts.settings import Settings
from pydantic import Field


@dataclass(frozen=True)
class Compute:
    """Declares that a stage computes.

    Attributes:
        processes: so many short jobs at once.
        slow: so many jobs beside them that turned out to take long, each with a process of its own and less of the
            processor.
        memory_mb: MiB that a worker may have beyond what it has when it starts; one job's work has to fit.
        start_method: ``forkserver`` replaces a worker in milliseconds, and shares what the stage's modules have loaded;
            ``spawn`` is for libraries that do not bear being forked.
        shared: a module that makes, as it is imported, what all workers use and only read, such as a dictionary: the
            fork server imports it, so that they share the memory. A worker whose fork server was there before has to
            make it for itself.
    """

    processes: int = 2
    slow: int = 2
    memory_mb: int = 512
    start_method: Literal["forkserver", "spawn"] = "forkserver"
    shared: str | None = None

    def adjusted(self, settings: "ComputeSettings") -> "Compute":
        """The declaration with what the operator has set."""
        given = settings.model_dump(include={"processes", "memory_mb"}, exclude_none=True)
        return replace(self, **given)


class ComputeSettings(Settings):
    """What an operator may set for a stage that computes; by default its declaration holds.

    Attributes:
        processes: so many short jobs at once.
        memory_mb: MiB that a worker may have beyond what it has when it starts.
    """

    processes: Annotated[int | None, Field(ge=1, le=256, validation_alias="MK_COMPUTE_PROCESSES")] = None
    memory_mb: Annotated[int | None, Field(ge=16, validation_alias="MK_COMPUTE_MEMORY_MB")] = None


@dataclass(frozen=True)
class Spec:
    """What a worker is made from; it is sent to the process, so the class has to be importable.

    Attributes:
        name: the service's.
        stage: makes the stage from its settings.
        settings: of the stage.
        memory_mb: see `Compute`.
        log_level: of the worker's JSON log; None leaves logging as it is.
    """

    name: str
    stage: Callable[[Any], Any]
    settings: Settings
    memory_mb: int
    log_level: str | None = None
