"""Small stages that can be made to fail."""

# ruff: noqa: D102 - the methods are those that every stage has

from collections.abc import AsyncIterator, Callable, Sequence
from typing import ClassVar

from medkg_contracts.requests import JobRequest
from medkg_contracts.stages import StageContext

#: What a stage does for one job: its value, or an error to raise.
Act = Callable[[StageContext, str], str | Exception]


class Shout:
    """``word`` in, ``shout`` out."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("shout",)

    def __init__(self, act: Act = lambda _, word: word.upper()) -> None:
        self._act = act
        self.calls: list[StageContext] = []

    async def execute(self, ctx: StageContext, word: str) -> str:
        self.calls.append(ctx)
        result = self._act(ctx, word)
        if isinstance(result, Exception):
            raise result
        return result


class Choir:
    """The same for a batch."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("shout",)

    def __init__(self, act: Act) -> None:
        self._act = act

    async def execute_batch(self, ctxs: Sequence[StageContext], word: Sequence[str]) -> Sequence[str | Exception]:
        return [self._act(ctx, one) for ctx, one in zip(ctxs, word, strict=True)]


class Unfold:
    """Expands a request into `count` items."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("expansion",)

    def __init__(self, count: int) -> None:
        self._count = count

    async def execute(self, ctx: StageContext, request: JobRequest) -> AsyncIterator[JobRequest]:  # noqa: ARG002
        for number in range(self._count):
            yield JobRequest(source=request.source, id=str(number))
