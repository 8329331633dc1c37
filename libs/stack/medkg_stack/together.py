"""Doing something to several processes at once."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from medkg_contracts.errors import MedkgError

T = TypeVar("T")


def together(things: Iterable[T], act: Callable[[T], None]) -> None:
    """Do it to all at once, let all finish, and only then raise a failure: a bug before an expected error."""
    todo = list(things)
    with ThreadPoolExecutor(max_workers=len(todo) or 1) as pool:
        outcomes = [pool.submit(act, thing) for thing in todo]
    failures = [error for outcome in outcomes if (error := outcome.exception()) is not None]
    if failures:
        raise next((error for error in failures if not isinstance(error, MedkgError)), failures[0])
