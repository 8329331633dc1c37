"""Finding a Java that is new enough."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from medkg_contracts.errors import ConfigurationError

JVM_FOLDER = Path("/usr/lib/jvm")

_TIMEOUT_S = 30.0
_VERSION = re.compile(r'version "(?P<full>(?:1\.)?(?P<major>\d+)[^"]*)"')


@dataclass(frozen=True)
class Java:
    """An installed Java.

    Attributes:
        command: the path of its ``java``.
        major: its feature release, such as 21.
        version: its full version, such as 21.0.4.
    """

    command: Path
    major: int
    version: str


def find_java(minimum: int) -> Java:
    """The first Java of at least this release: JAVA_HOME's, the default one, one beside it.

    Raises:
        ConfigurationError: there is none; the message says what was found and what to install.
    """
    found = [java for java in map(ask, candidates()) if java is not None]
    for java in found:
        if java.major >= minimum:
            return java
    seen = ", ".join(f"{java.version} at {java.command}" for java in found) or "none at all"
    raise ConfigurationError(
        f"A JDK {minimum} or newer is needed; found {seen}",
        remedy=f"Install one (a Debian or Ubuntu that has it: `apt-get install openjdk-{minimum}-jdk-headless`; "
        f"otherwise any vendor's JDK under {JVM_FOLDER}) or let JAVA_HOME name it.",
    )


def candidates() -> Iterable[Path]:
    """Every ``java`` worth asking, best first, each once."""
    return dict.fromkeys(path.resolve() for path in _places() if path.is_file())


def _places() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home, "bin", "java")
    folders = [JVM_FOLDER]
    if default := shutil.which("java"):
        yield Path(default)
        folders.insert(0, Path(default).resolve().parents[2])
    for folder in folders:
        yield from sorted(folder.glob("*/bin/java"))


@cache
def ask(command: Path) -> Java | None:
    """What this ``java`` says that it is; None if it does not run."""
    try:
        answer = subprocess.run(  # noqa: S603 - a java that the machine's owner installed
            [command, "-version"], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(answer.stderr + answer.stdout)
    return Java(command, int(match["major"]), match["full"]) if match else None
