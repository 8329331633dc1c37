"""How the command ends: exit codes, and how an error reaches a person."""

import asyncio
import re
import sys
import traceback
from collections.abc import Coroutine, Sequence
from enum import IntEnum
from typing import Any, Final, TypeVar

import typer
from medkg_bus.clients import quiet_clients
from medkg_contracts.errors import (
    ConfigurationError,
    IndexMissing,
    InvalidInput,
    MedkgError,
    NotFound,
    ResourceUnavailable,
    SourceRefused,
    StageBug,
    TopologyUnknown,
)
from typer.core import TyperGroup

T = TypeVar("T")

#: What Python makes of an argument's bytes that are no UTF-8.
_BYTES: Final = re.compile("[\udc80-\udcff]")


class ExitCode(IntEnum):
    """What the shell is told."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    UNAVAILABLE = 4
    REFUSED = 5
    BUG = 70
    INTERRUPTED = 130


MEANINGS: dict[ExitCode, str] = {
    ExitCode.OK: "it worked",
    ExitCode.FAILED: "what was asked about failed (a job with --wait, a direct run, the demo, some of many records), "
    "or did not end in time",
    ExitCode.USAGE: "wrong usage",
    ExitCode.NOT_FOUND: "there is no such job, batch, dead letter, topology, service or entity, "
    "or a tenant has no index",
    ExitCode.UNAVAILABLE: "a server did not answer",
    ExitCode.REFUSED: "refused: an invalid topology, request or setting, or an order that cannot be obeyed",
    ExitCode.BUG: "a bug of medkg",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
}

#: What the shell is told, a code a line.
EPILOG = "\n".join(["Exit codes:", *(f"{code:>4d}  {meaning}" for code, meaning in MEANINGS.items())])


_BY_CLASS: Sequence[tuple[type[MedkgError], ExitCode]] = (
    (NotFound, ExitCode.NOT_FOUND),
    (TopologyUnknown, ExitCode.NOT_FOUND),
    (IndexMissing, ExitCode.NOT_FOUND),
    (ResourceUnavailable, ExitCode.UNAVAILABLE),
    (ConfigurationError, ExitCode.REFUSED),
    (InvalidInput, ExitCode.REFUSED),
    (SourceRefused, ExitCode.REFUSED),
    (StageBug, ExitCode.BUG),
)


def code_of(error: MedkgError) -> ExitCode:
    """The exit code of an error: that of the first class in the table that it is of."""
    return next((code for kind, code in _BY_CLASS if isinstance(error, kind)), ExitCode.FAILED)


def report(error: MedkgError) -> None:
    """Tell a person what is wrong and what to do, on standard error."""
    info = error.info
    print(f"error [{info.code}]: {info.message}\n-> {info.remedy}", file=sys.stderr)


def fail(code: ExitCode) -> typer.Exit:
    """The exception that ends the command with this code."""
    return typer.Exit(code)


class Commands(TyperGroup):
    """The commands; every error that leaves one becomes an exit code here."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]  # typer's own
        """Read what the shell gives, which may be any bytes; events, keys and queries are UTF-8."""
        for word in args:
            if not word.isascii() and _BYTES.search(word):
                raise typer.BadParameter(f"{word.encode(errors='backslashreplace').decode()!r} is not UTF-8", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # noqa: ANN401 - typer's own
        """Run the command."""
        try:
            return super().invoke(ctx)
        except MedkgError as error:
            report(error)
            raise fail(code_of(error)) from error
        except (typer.Exit, typer.Abort, typer.BadParameter, KeyboardInterrupt, EOFError, BrokenPipeError):
            raise
        except Exception as error:
            if type(error).__module__.startswith("typer."):
                raise
            traceback.print_exc()
            print("error [bug]: this is a bug of medkg\n-> Report it with the lines above.", file=sys.stderr)
            raise fail(ExitCode.BUG) from error


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's asynchronous part."""
    quiet_clients()
    return asyncio.run(work)
