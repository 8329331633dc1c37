"""A small disk for the artifact store, which can be filled to the last byte."""

import subprocess
from pathlib import Path
from time import monotonic, sleep
from typing import Final

_SIZE: Final = 384 * 1024**2
_BALLAST: Final = "ballast"
_ZEROS: Final = bytes(1024**2)
_FULL_S: Final = 0.05


class Disk:
    """A file system in memory, mounted where the artifact store is.

    Attributes:
        mounted: False where we may not mount one (no CAP_SYS_ADMIN); the store is then on the machine's own disk.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder)]
        self.mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0

    def fill(self, seconds: float) -> None:
        """Leave no byte free for so long: what the half-written files of others give back is taken as well."""
        until = monotonic() + seconds
        with (self._folder / _BALLAST).open("wb", buffering=0) as ballast:
            while monotonic() < until:
                try:
                    ballast.write(_ZEROS)
                except OSError:
                    sleep(_FULL_S)

    def free(self) -> None:
        """Take the ballast away."""
        (self._folder / _BALLAST).unlink(missing_ok=True)

    def unmount(self) -> None:
        """Give it back."""
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self._folder)], check=True)
            self.mounted = False
