"""What was fetched or prepared once, for all checkouts of a user."""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .lock import locked

_LOCK_TIMEOUT_S = 900.0


@dataclass(frozen=True)
class Cache:
    """A folder of entries, each whole or absent.

    Attributes:
        root: the folder; it is made when needed.
    """

    root: Path

    @classmethod
    def default(cls) -> "Cache":
        """The folder that MEDKG_CACHE names, else ``~/.cache/medkg``."""
        named = os.environ.get("MEDKG_CACHE")
        return cls(Path(named).absolute() if named else Path.home() / ".cache" / "medkg")

    def entry(self, name: str, build: Callable[[Path], None]) -> Path:
        """The folder of this name, which ``build`` fills the first time.

        It is filled under another name and then renamed, under a lock: a reader never sees half of it, and of two
        processes that want it at once one builds and the other waits.

        Raises:
            ResourceUnavailable: another process has been building it for a quarter of an hour.
        """
        path = self.root / name
        if path.is_dir():
            return path
        with locked(self.root / f"{name}.lock", _LOCK_TIMEOUT_S):
            if not path.is_dir():
                self._build(path, build)
        return path

    def _build(self, path: Path, build: Callable[[Path], None]) -> None:
        unfinished = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=self.root))
        try:
            unfinished.chmod(0o755)
            build(unfinished)
            unfinished.rename(path)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
