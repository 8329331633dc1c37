"""The vocabularies that come with medkg; a process has them compiled the first time that it asks."""

import hashlib
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import orjson
from filelock import FileLock, Timeout
from medkg_contracts.errors import ConfigurationError, ResourceUnavailable

from .compiled import FORM, About
from .compiling import write_vocabulary
from .formats import Reading
from .formats.tsv import read_tsv

#: Their tables, and what is said of each; see its README.md.
FOLDER: Final = Path(__file__).parent / "tables"
#: Their names.
SHIPPED: Final = ("doid", "mesh")
_TIMEOUT_S: Final = 300.0


def vocabularies_folder() -> Path:
    """Where compiled ones are: ``vocabularies`` in the folder that MEDKG_CACHE names, else in ``~/.cache/medkg``."""
    named = os.environ.get("MEDKG_CACHE")
    return (Path(named).absolute() if named else Path.home() / ".cache" / "medkg") / "vocabularies"


def shipped(name: str, root: Path | None = None) -> Path:
    """The compiled file of a vocabulary that comes with medkg.

    It is whole or absent: of two processes that want it at once one compiles it, the other waits.

    Args:
        name: of `SHIPPED`.
        root: the folder of all compiled ones; by default `vocabularies_folder`.

    Raises:
        ConfigurationError: there is none of this name.
        ResourceUnavailable: another process does not get done with it.
    """
    if name not in SHIPPED:
        raise ConfigurationError(
            f"{name!r} is no vocabulary that comes with medkg",
            remedy=f"Choose one of these: {', '.join(SHIPPED)}. Compile others: `medkg vocabulary build`.",
        )
    path = (root or vocabularies_folder()) / f"{name}-{_revision(name)}.vocabulary"
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{path}.lock", timeout=_TIMEOUT_S):
            if not path.is_file():
                write_vocabulary(path, about_of(name), read_tsv(_table(name), reading_of(name)))
    except Timeout as error:
        raise ResourceUnavailable(f"Another process has been compiling {name} for {_TIMEOUT_S:g} s") from error
    return path


def about_of(name: str) -> About:
    """What is said of a vocabulary that comes with medkg."""
    said = _said(name)
    return About(**{field: said[field] for field in ("name", "version", "licence", "source", "notice")})


def reading_of(name: str) -> Reading:
    """How its source is read."""
    said = _said(name)
    return Reading(said["prefix"], said["category"])


def _said(name: str) -> Mapping[str, str]:
    said: dict[str, str] = orjson.loads((FOLDER / f"{name}.json").read_bytes())
    return said


def _table(name: str) -> Path:
    return FOLDER / f"{name}.tsv.xz"


@cache
def _revision(name: str) -> str:
    """Of the table, what is said of it, and the form of what is made of it: another one is another file."""
    content = (part.read_bytes() for part in (_table(name), FOLDER / f"{name}.json"))
    return hashlib.sha256(b"\0".join((FORM.encode(), *content))).hexdigest()[:12]
