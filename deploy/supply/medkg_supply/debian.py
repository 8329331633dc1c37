"""What images take from Debian."""

import re
from collections.abc import Iterator
from pathlib import Path

_CONTINUED = re.compile(r"\\\s*\n")
_TAKES = re.compile(r"apt-get\s+(?:-\S+\s+)*(?:install|download)\s+(?P<words>[^&|;\n]*)")


def packages(dockerfile: str) -> Iterator[str]:
    """The packages that a Dockerfile has apt install or download, by name."""
    for match in _TAKES.finditer(_CONTINUED.sub(" ", dockerfile)):
        for word in match["words"].replace('"', "").split():
            if not word.startswith("-"):
                yield word.partition("=")[0]


def taken(root: Path) -> set[str]:
    """The packages that any of our images takes by name."""
    return {name for path in root.glob("deploy/images/**/*Dockerfile*") for name in packages(path.read_text())}
