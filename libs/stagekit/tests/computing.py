"""A stage that computes, and misbehaves where the word says so."""

# ruff: noqa: D102 - the methods are those that every stage has

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from medkg_contracts.errors import InvalidDocument, MedkgError
from medkg_contracts.settings import Settings
from medkg_contracts.stages import StageContext


class Unreadable(MedkgError):
    """An error that pickle cannot make again."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


def _spin(file: str) -> None:
    if file:
        Path(file).write_text(str(os.getpid()))
    while True:
        pass


def _until(file: str) -> None:
    while not Path(file).exists():
        pass


def _count(text: str) -> None:
    for _ in range(2):
        assert sum(1 for letter in text if letter == "y") == 0


def _hoard(_: str) -> None:
    hoard = []
    while True:
        hoard.append(bytearray(16 * 1024 * 1024))


def _abort(_: str) -> None:
    os.write(2, b"memory allocation of 20971520 bytes failed\n")
    os.abort()


def _refuse(message: str) -> None:
    raise InvalidDocument(message)


def _unreadable(_: str) -> None:
    raise Unreadable("one", "two")


ACTS: Mapping[str, Callable[[str], None]] = {
    "spin": _spin,
    "until": _until,
    "count": _count,
    "hoard": _hoard,
    "abort": _abort,
    "refuse": _refuse,
    "unreadable": _unreadable,
    "exit": lambda code: os._exit(int(code)),
    "segfault": lambda _: os.kill(os.getpid(), signal.SIGSEGV),
}


class Reckoner:
    """``word`` in, ``shout`` out, with the process's id; what it does first stands in the word itself."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("shout",)

    def __init__(self, _: Settings) -> None:
        """There is nothing to set."""

    async def execute(self, ctx: StageContext, word: str) -> str:  # noqa: ARG002
        what, _, rest = word.partition(" ")
        if what in ACTS:
            ACTS[what](rest)
        return "x" * int(rest) if what == "grow" else f"{word.upper()} {os.getpid()}"


class Unmade(Reckoner):
    """Cannot be made."""

    def __init__(self, _: Settings) -> None:
        raise ValueError("no such model")


class BatchReckoner(Reckoner):
    """The same for a batch."""

    execute = None

    async def execute_batch(self, ctxs: Sequence[StageContext], word: Sequence[str]) -> Sequence[str | Exception]:
        return [await Reckoner.execute(self, ctx, one) for ctx, one in zip(ctxs, word, strict=True)]
