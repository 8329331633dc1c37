"""Takes a server's memory away."""

import resource
from pathlib import Path
from typing import Final

import httpx
from medkg_contracts.errors import NotFound

_PAGE: Final = resource.getpagesize()


def starve(url: str) -> None:
    """From now on none of the server's processes gets any more memory.

    Raises:
        NotFound: nobody listens at the address.
    """
    port = httpx.URL(url).port
    root = next((pid for pid, argv in _processes() if f"--port\0{port}\0" in argv), None)
    if root is None:
        raise NotFound(f"no process serves {url}")
    for pid in _family(root):
        data = int(Path(f"/proc/{pid}/statm").read_text().split()[5]) * _PAGE
        resource.prlimit(pid, resource.RLIMIT_DATA, (data, data))


def _processes() -> list[tuple[int, str]]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.append((int(folder.name), (folder / "cmdline").read_text(errors="replace")))
        except OSError:
            continue
    return found


def _family(root: int) -> list[int]:
    """The process and all that it has started."""
    children: dict[int, list[int]] = {}
    for pid, _ in _processes():
        try:
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(pid)
    family = [root]
    for pid in family:
        family += children.get(pid, ())
    return family
