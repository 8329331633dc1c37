"""A small disk for the artifact store, which can be filled to the last byte."""

import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

_SIZE: Final = 1024**3
_BALLAST: Final = "ballast"
_ZEROS: Final = bytes(1024**2)


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

    def fill(self) -> None:
        """Leave no byte free."""
        with (self._folder / _BALLAST).open("wb", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(_ZEROS)

    def free(self) -> None:
        """Take the ballast away."""
        (self._folder / _BALLAST).unlink(missing_ok=True)

    def unmount(self) -> None:
        """Give it back."""
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self._folder)], check=True)
            self.mounted = False
