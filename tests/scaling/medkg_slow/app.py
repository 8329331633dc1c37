"""The stage service `slow`: each job takes 50 ms, in which nothing is computed, so that processors are not measured.

``python -m medkg_slow.app`` with the folder `tests/scaling` on PYTHONPATH; its policy lets one job in at a time.
"""

import asyncio
from typing import Annotated, ClassVar

from medkg_contracts.requests import JobRequest
from medkg_contracts.settings import Settings
from medkg_contracts.stages import StageContext
from medkg_stagekit import StageService
from pydantic import Field


class SlowSettings(Settings):
    """How long a job takes.

    Attributes:
        slow_ms: milliseconds.
    """

    slow_ms: Annotated[float, Field(ge=0, validation_alias="MK_SLOW_MS")] = 50.0


class Slow:
    """Sleeps, and returns the length of the request's id."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("slept",)
    pure: ClassVar[bool] = False

    def __init__(self, settings: SlowSettings) -> None:
        self._seconds = settings.slow_ms / 1000

    async def execute(self, ctx: StageContext, request: JobRequest) -> int:  # noqa: ARG002
        """Sleep."""
        await asyncio.sleep(self._seconds)
        return len(request.id or "")


service = StageService("slow", Slow, SlowSettings)

if __name__ == "__main__":
    service.run()
