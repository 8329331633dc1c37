"""What the locks hold: uv's and npm's."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from medkg_contracts.errors import ConfigurationError
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .component import Component, Scope
from .expression import canonical

_EXPORT = "export --frozen --all-packages --no-emit-workspace --no-hashes --no-header --no-annotate --quiet"
Locked = dict[tuple[str, str], Scope]


def uv() -> str:
    """The command `uv`: the one that runs us, the one on the path, or the one that `make setup` installed.

    Raises:
        ConfigurationError: there is none.
    """
    cache = Path(os.environ.get("MEDKG_CACHE") or Path.home() / ".cache" / "medkg")
    own = shutil.which("uv", path=cache / "uv" / "bin")
    found = os.environ.get("UV") or shutil.which("uv") or own
    if found is None:
        raise ConfigurationError("`uv` is not installed", remedy="Run `make setup`.")
    return found


def python_locked(root: Path) -> Locked:
    """Every version in uv.lock that is not ours, with its scope.

    Raises:
        ConfigurationError: uv could not read the lock.
    """
    runtime = exported(_uv_export(root, "--no-default-groups"))
    everything = exported(_uv_export(root, "--all-groups"))
    return {version: "runtime" if version in runtime else "development" for version in everything}


def exported(text: str) -> set[tuple[str, str]]:
    """Names and versions of uv's export, whatever interpreter or platform they are for."""
    pins = [Requirement(line) for line in text.splitlines() if line.strip()]
    return {(canonicalize_name(pin.name), str(pin.specifier).removeprefix("==")) for pin in pins}


def npm_locked(lock: Path) -> set[Component]:
    """Every package of a package-lock.json, with the licence that its package.json had when it was locked.

    All of them are tools: nothing that runs in a service is of npm.
    """
    packages = json.loads(lock.read_text())["packages"]
    return {
        Component(
            ecosystem="npm",
            name=path.rpartition("node_modules/")[2],
            version=entry["version"],
            scope="development",
            licence=canonical(str(entry.get("license"))) or str(entry.get("license")),
        )
        for path, entry in packages.items()
        if path
    }


def _uv_export(root: Path, *groups: str) -> str:
    done = subprocess.run(  # noqa: S603 - ours
        [uv(), *_EXPORT.split(), *groups], cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ConfigurationError(
            f"uv could not read the lock of {root}: {done.stderr.strip()}",
            remedy="Run `uv lock` and see what it says.",
        )
    return done.stdout
