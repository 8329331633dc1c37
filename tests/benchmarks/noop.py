"""Eight stages that do nothing, as one stage service process: what is left is the cost of orchestration."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from medkg_contracts.settings import Settings
from medkg_contracts.stages import StageContext
from medkg_stagekit import StageService

STAGES = 8


def noop_class(number: int) -> type:
    """A stage class that passes a small value on, from ``value<n-1>`` to ``value<n>``."""

    class Noop:
        version: ClassVar[str] = "1"
        outputs: ClassVar[tuple[str, ...]] = (f"value{number}",)
        pure: ClassVar[bool] = False

        def __init__(self, settings: Settings) -> None:
            """Needs no settings."""

        async def execute_batch(self, ctxs: Sequence[StageContext]) -> Sequence[int | Exception]:
            return [number] * len(ctxs)

    return Noop


SERVICES = [
    StageService(f"noop{number}", noop_class(number), Settings, max_records=500) for number in range(1, STAGES + 1)
]

if __name__ == "__main__":
    replace(SERVICES[0], beside=tuple(SERVICES[1:])).run()
