"""The services of this workspace: their packages, and what each declares of itself."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, requires
from pathlib import Path

from medkg_contracts.errors import ConfigurationError
from medkg_contracts.services import GROUP, Service, load
from medkg_stagekit import StageService

#: Packages that services build upon, the largest first.
_FOUNDATIONS = ("medkg-stagekit", "medkg-servicekit", "medkg-contracts")


@dataclass(frozen=True)
class Member:
    """A service and its package.

    Attributes:
        service: the declaration.
        package: such as ``medkg-chunk``.
        module: the package's module, such as ``medkg_chunk``.
        foundation: the library whose dependencies the image has as a layer that others share, such as ``stagekit``.
    """

    service: Service
    package: str
    module: str
    foundation: str

    @property
    def name(self) -> str:
        """The service's name, which its folder is called by."""
        return self.service.name

    @property
    def stages(self) -> tuple[StageService, ...]:
        """The stages that it serves."""
        return self.service.stages if isinstance(self.service, StageService) else ()


def members(root: Path) -> list[Member]:
    """The services of the checkout, by name.

    Raises:
        ConfigurationError: a package is not as the build of its image expects it, or is not installed.
    """
    found = (member for folder in sorted(root.glob("services/*/pyproject.toml")) for member in _declared(folder))
    return sorted(found, key=lambda member: member.name)


def _declared(file: Path) -> Iterator[Member]:
    project = tomllib.loads(file.read_text())["project"]
    entries = project.get("entry-points", {}).get(GROUP, {})
    expected = _package(file.parent)
    if (project["name"], list(entries)) != (expected, [file.parent.name]):
        raise ConfigurationError(
            f"{file}: the package {project['name']} has the services {', '.join(entries) or 'none'}",
            remedy=f"Call it {expected}, with one entry point {file.parent.name} in the group {GROUP}.",
        )
    for name, value in entries.items():
        entry = EntryPoint(name, value, GROUP)
        try:
            service = load(entry)
        except ConfigurationError as error:
            raise ConfigurationError(
                str(error), remedy="`uv sync --all-packages --all-groups` installs packages that are new."
            ) from error
        packages = _required(project["name"], project["dependencies"])
        foundation = next(package for package in _FOUNDATIONS if package in packages)
        yield Member(service, expected, entry.module.partition(".")[0], foundation.removeprefix("medkg-"))


def _package(folder: Path) -> str:
    """What the package of a service is called: by its folder, unless a library has that name already."""
    library = folder.parents[1] / "libs" / folder.name
    return f"medkg-{folder.name}-service" if library.is_dir() else f"medkg-{folder.name}"


def _required(package: str, dependencies: Iterable[str]) -> set[str]:
    """Our own packages that this one is built upon, directly or by way of others."""
    found: set[str] = set()
    waiting = [package, *map(_name, dependencies)]
    while waiting:
        name = waiting.pop()
        if name.startswith("medkg-") and name not in found:
            found.add(name)
            waiting += map(_name, requires(name) or ())
    return found - {package}


def _name(dependency: str) -> str:
    return re.split(r"[\[<>=~!; ]", dependency)[0]
