"""What medkg depends on, and the record of it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from medkg_contracts.errors import ConfigurationError

Ecosystem = Literal["python", "npm", "jar", "debian"]
Scope = Literal["runtime", "separate", "development"]


@dataclass(frozen=True, order=True)
class Component:
    """One version of one package.

    Attributes:
        ecosystem: where it comes from.
        name: as its ecosystem spells it; of a jar, the file's name without the version.
        version: the locked one; empty for a Debian package, which changes without us.
        scope: ``runtime`` if a service or server runs with it, ``separate`` if only a server does that is a program of
            its own and that we do not publish, ``development`` if only we do.
        licence: an SPDX expression, or what the package says where that is none.
    """

    ecosystem: Ecosystem
    name: str
    version: str
    scope: Scope
    licence: str


@dataclass(frozen=True)
class Record:
    """What was found out at the last ``--write``.

    Licences of jars, and of Python packages for other interpreters, are not at hand in each check; the record is.

    Attributes:
        components: all of them, sorted.
        jars: for each server made of jars, the name of the cache entry that they were read from.
    """

    components: tuple[Component, ...]
    jars: dict[str, str]

    @classmethod
    def load(cls, path: Path) -> "Record":
        """The record in the file; an empty one if there is none.

        Raises:
            ConfigurationError: the file is not a record.
        """
        if not path.is_file():
            return cls((), {})
        try:
            data = json.loads(path.read_text())
            return cls(tuple(Component(**entry) for entry in data["components"]), dict(data["jars"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(
                f"{path} is not a record of components: {error}",
                remedy="Delete it and run `deploy/supply/check.py licences --write`.",
            ) from error

    def text(self) -> str:
        """The file's text: one line a component, so that a change is one line of a diff."""
        lines = ",\n".join(f"    {json.dumps(asdict(component))}" for component in self.components)
        return f'{{\n  "jars": {json.dumps(self.jars, sort_keys=True)},\n  "components": [\n{lines}\n  ]\n}}\n'
