"""Writes a new stage's package to a folder."""

import tomllib
from pathlib import Path

from medkg_contracts.errors import ConfigurationError
from medkg_stagekit import installed_stages

from .package import StagePackage


def in_workspace(folder: Path) -> bool:
    """Whether the folder is the root of a checkout of medkg, whose services are in ``services/``."""
    file = folder / "pyproject.toml"
    if not file.is_file() or not (folder / "services").is_dir():
        return False
    try:
        name = tomllib.loads(file.read_text()).get("project", {}).get("name")
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} cannot be read: {error}") from error
    return bool(name == "medkg")


def write(package: StagePackage, folder: Path) -> list[Path]:
    """Write the package's files; the paths of all, in order.

    Raises:
        ConfigurationError: there is something in the folder, it cannot be written to, or a stage has the name already.
    """
    if package.name in installed_stages():
        raise ConfigurationError(
            f"there is a stage {package.name!r} already, which would share its topics with the new one",
            remedy="Choose another name.",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder} is there already, and is left as it is", remedy="Name another folder.")
    try:
        return [_written(folder / name, text) for name, text in package.files().items()]
    except OSError as error:
        raise ConfigurationError(f"{error.filename}: {error.strerror}", remedy="Name another folder.") from error


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
