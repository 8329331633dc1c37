"""What a person types, read: files of ids and pairs of name and value."""

from collections.abc import Sequence
from pathlib import Path

from medkg_contracts.errors import InvalidRequest


def read_ids(body: bytes) -> list[str]:
    """The ids of a file: one a line; empty lines and what follows a ``#`` are left out.

    A byte order mark is left out too, at the beginning and wherever files were put together.

    Raises:
        InvalidRequest: the file is not UTF-8.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"the file of ids is not UTF-8: {error.reason} at byte {error.start}") from error
    lines = (line.removeprefix("\ufeff").partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def read_pairs(option: str, pairs: Sequence[str]) -> dict[str, str]:
    """The values of an option that is given as ``name=value`` any number of times.

    Raises:
        InvalidRequest: one of them has no ``=`` or no name, or a name comes twice.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InvalidRequest(f"{option} {pair!r} is not of the form name=value")
        if name in found:
            raise InvalidRequest(f"{option} gives {name!r} twice")
        found[name] = value
    return found


def ids_of_file(file: Path) -> list[str]:
    """The ids of a file on disk.

    Raises:
        InvalidRequest: it cannot be read, or is not UTF-8.
    """
    try:
        body = file.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"--ids-file {file}: {error}") from error
    return read_ids(body)
