"""Jars from Maven's own registry client, fetched once."""

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from medkg_contracts.errors import ConfigurationError, ResourceUnavailable

from .cache import Cache

_TIMEOUT_S = 900.0
_TAIL = 2_000


def pom_text(name: str) -> str:
    """The pom of this name in the package."""
    return files("medkg_stack").joinpath("poms", f"{name}.xml").read_text()


def entry_name(name: str, version: str) -> str:
    """The cache entry of what a pom names: another one for another pom."""
    digest = hashlib.sha256(pom_text(name).encode()).hexdigest()
    return f"{name}-{version}-{digest[:12]}"


def jars(cache: Cache, name: str, version: str) -> Path:
    """The folder with the jars that the pom of this name depends on at run time.

    Raises:
        ConfigurationError: Maven is not installed.
        ResourceUnavailable: Maven could not fetch them.
    """

    def build(folder: Path) -> None:
        run_goal(name, folder, ["dependency:copy-dependencies", "-DincludeScope=runtime"])

    return cache.entry(entry_name(name, version), build)


def run_goal(name: str, output: Path, goal: Sequence[str]) -> None:
    """Run a goal of Maven's dependency plugin with the pom of this name; its files go to ``output``.

    Raises:
        ConfigurationError: Maven is not installed.
        ResourceUnavailable: the goal failed or took too long.
    """
    maven = shutil.which("mvn")
    if maven is None:
        raise ConfigurationError(
            f"Maven (`mvn`) is needed to fetch {name}, and is not installed",
            remedy="Install it: `apt-get install maven`.",
        )
    pom = output / "pom.xml"
    pom.write_text(pom_text(name))
    argv = [maven, "-B", "-q", "-f", str(pom), *goal, f"-DoutputDirectory={output}"]
    try:
        subprocess.run(argv, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)  # noqa: S603 - ours
    except subprocess.TimeoutExpired as error:
        raise ResourceUnavailable(f"Maven did not fetch {name} within {_TIMEOUT_S:g} s") from error
    except subprocess.CalledProcessError as error:
        tail = (error.stdout + error.stderr)[-_TAIL:]
        raise ResourceUnavailable(f"Maven could not fetch {name}; it said:\n{tail}") from error
