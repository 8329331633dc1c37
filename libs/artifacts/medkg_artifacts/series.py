"""Editions of something large, each of many artifacts, the newest of which counts: such as snapshots."""

import asyncio
from pathlib import Path
from time import time, time_ns
from typing import Final

from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.errors import ArtifactStoreUnavailable
from medkg_contracts.model import Contract, Name
from pydantic import JsonValue, ValidationError

from .store import ArtifactStore

#: An edition stays at least for so many seconds: somebody else may be reading it, or making one with pieces of it.
KEPT_S: Final = 3600.0


class Edition(Contract):
    """One state of the thing.

    Attributes:
        about: what its readers need to know of it.
        pieces: what it consists of; editions may share pieces.
    """

    about: JsonValue
    pieces: tuple[ArtifactRef, ...]


class Series:
    """Editions under one name. Any number of processes may add to it, and read it."""

    def __init__(self, store: ArtifactStore, tenant: str, name: Name) -> None:
        self._store = store
        self._tenant = tenant
        self._folder = store.root / tenant / "series" / name

    async def add(self, edition: Edition, keep: int) -> None:
        """Make this the newest one, and clear away old ones with the pieces that no other has.

        Args:
            edition: its pieces are in the store.
            keep: so many editions stay, and those of the last `KEPT_S` seconds.

        Raises:
            ArtifactStoreUnavailable: the folder cannot be written.
        """
        path = self._folder / f"{time_ns():020}.json"
        await asyncio.to_thread(self._store.write, path, edition.model_dump_json().encode())
        await asyncio.to_thread(self._clear, keep)

    async def newest(self) -> list[tuple[str, Edition | None]]:
        """All editions with the files that they stand in, the newest first; None for one that cannot be read.

        Raises:
            ArtifactStoreUnavailable: the folder cannot be read.
        """
        return await asyncio.to_thread(lambda: [(str(path), _read(path)) for path in self._paths()])

    def _paths(self) -> list[Path]:
        try:
            return sorted(self._folder.glob("*.json"), reverse=True) if self._folder.exists() else []
        except OSError as error:
            raise ArtifactStoreUnavailable(f"cannot read {self._folder}: {error.strerror}") from error

    def _clear(self, keep: int) -> None:
        paths = self._paths()
        before = time() - KEPT_S
        old = [path for path in paths[keep:] if int(path.stem) < before * 1e9]
        editions = {path: _read(path) for path in paths}
        kept = {piece.sha256 for path, each in editions.items() if each and path not in old for piece in each.pieces}
        for path in old:
            edition = editions[path]
            for piece in edition.pieces if edition else ():
                if piece.sha256 not in kept:
                    self._store.discard(self._tenant, piece, before)
            path.unlink(missing_ok=True)


def _read(path: Path) -> Edition | None:
    try:
        return Edition.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None  # somebody else has cleared it away
    except OSError as error:
        raise ArtifactStoreUnavailable(f"cannot read {path}: {error.strerror}") from error
    except ValidationError:
        return None
