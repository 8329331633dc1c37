"""Running a server that refuses root as somebody else.

Started by root, such a server runs as ``nobody``, who cannot enter root's home or a private folder in /tmp: what it
reads and writes must then lie elsewhere.
"""

import hashlib
import os
import shutil
from pathlib import Path

from medkg_contracts.errors import ConfigurationError

SHARED_CACHE = Path("/var/cache/medkg")
SHARED_DATA = Path("/var/lib/medkg")

_NAME = "nobody"
_GROUP = "nogroup"
_OTHERS_ENTER = 0o001


def is_root() -> bool:
    """Whether we are root."""
    return os.geteuid() == 0


def enterable(folder: Path) -> bool:
    """Whether every existing folder on the way there lets everybody in."""
    whole = folder.absolute()
    return all(step.stat().st_mode & _OTHERS_ENTER for step in (whole, *whole.parents) if step.exists())


def cache_folder(wanted: Path) -> Path:
    """The cache to use: the one wanted, or root's shared one where ``nobody`` could not read that."""
    return SHARED_CACHE if is_root() and not enterable(wanted) else wanted


def data_folder(wanted: Path) -> Path:
    """The data folder to use: the one wanted, or one under /var/lib where ``nobody`` could not reach that."""
    if not is_root() or enterable(wanted.parent):
        return wanted
    return SHARED_DATA / hashlib.sha256(str(wanted.absolute()).encode()).hexdigest()[:12]


def drop() -> list[str]:
    """The words before a command that make it run as ``nobody`` if we are root; none if we are not.

    Raises:
        ConfigurationError: we are root and ``setpriv`` is missing.
    """
    if not is_root():
        return []
    if shutil.which("setpriv") is None:
        raise ConfigurationError(
            "setpriv is needed to start OpenSearch as root and is not installed",
            remedy="Install it: `apt-get install util-linux`.",
        )
    return ["setpriv", f"--reuid={_NAME}", f"--regid={_GROUP}", "--clear-groups"]


def give(folder: Path) -> None:
    """Make the folder and all in it theirs who run the server."""
    if is_root():
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, _NAME, _GROUP)
