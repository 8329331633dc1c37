"""Puts those files of the repository into the package that a project has no checkout of."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: From the repository's root; a folder stands for all in it.
SHIPPED = ("docker-compose.yml", "deploy/compose", "topologies", "asyncapi")
#: Where they go, which `medkg_testing.shipped` knows as well.
PLACE = "medkg_testing/shipped_files"
LEFT_OUT = frozenset({"node_modules", "__pycache__"})


class ShipFiles(BuildHookInterface[Any]):
    """An editable installation has the checkout itself; a wheel made of an sdist finds the files in it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to the builder."""
        here = Path(self.root)
        if version != "editable" and not (here / PLACE).exists():
            build_data["force_include"] |= {str(source): target for source, target in shipped(here.parents[1])}


def shipped(repository: Path) -> Iterator[tuple[Path, str]]:
    """Each file, and its place in the package."""
    for name in SHIPPED:
        top = repository / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            within = path.relative_to(repository)
            if not path.is_dir() and not LEFT_OUT & set(within.parts):
                yield path, f"{PLACE}/{within.as_posix()}"
