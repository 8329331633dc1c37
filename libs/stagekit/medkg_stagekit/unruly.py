"""Makes a stage misbehave in its worker process, for the suite of stages that compute."""

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

from medkg_contracts.stages import StageContext

#: The metadata of a job that says how the stage misbehaves when it works on it.
MISBEHAVE: Final = "suite-misbehave"


@dataclass(frozen=True)
class Unruly:
    """Makes the stage that `stage` makes, which misbehaves where a job's metadata say so."""

    stage: Callable[[Any], Any]

    def __call__(self, settings: Any) -> Any:  # noqa: ANN401 - as every stage's class
        """The stage, made from its settings."""
        made = self.stage(settings)
        name = "execute_batch" if hasattr(made, "execute_batch") else "execute"
        proper = getattr(made, name)

        @wraps(proper)
        async def unruly(contexts: StageContext | Sequence[StageContext], **arguments: Any) -> Any:  # noqa: ANN401
            for context in [contexts] if isinstance(contexts, StageContext) else contexts:
                _misbehave(context.metadata.get(MISBEHAVE))
            return await proper(contexts, **arguments)

        setattr(made, name, unruly)
        return made


def _misbehave(how: str | None) -> None:
    match how:
        case "never-ends":
            while True:
                pass
        case "hoards":
            hoard = []
            while True:
                hoard.append(bytearray(1024 * 1024))
        case "exits":
            os._exit(3)
        case "segfaults":
            os.kill(os.getpid(), signal.SIGSEGV)
