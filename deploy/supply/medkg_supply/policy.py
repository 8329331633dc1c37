"""The allow-list: which licences may be depended on, and what is an exception to it."""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from medkg_contracts.errors import ConfigurationError

from .component import Component, Ecosystem, Scope
from .expression import allows, canonical

FILE = "deploy/supply/licences.toml"


@dataclass(frozen=True)
class Excepted:
    """A package that may have another licence than the list allows.

    Attributes:
        package: its name, or a pattern of shells that several names match.
        licence: the licence that it may have, exactly.
        reason: why that is no harm.
    """

    package: str
    licence: str
    reason: str


@dataclass(frozen=True)
class Stated:
    """A licence that a person read, of a package whose metadata does not say it.

    Attributes:
        ecosystem: the package's.
        package: its name, or a pattern of shells that several names match.
        licence: an SPDX expression.
        read: where it stands.
    """

    ecosystem: Ecosystem
    package: str
    licence: str
    read: str

    def names(self, ecosystem: Ecosystem, package: str) -> bool:
        """Whether it speaks of this package."""
        return ecosystem == self.ecosystem and fnmatchcase(package, self.package)


@dataclass(frozen=True)
class Policy:
    """The allow-list as a whole.

    Attributes:
        allowed: the SPDX names for each scope; what is allowed at run time is allowed in the others too.
        separate: why a server that is a program of its own may have the licences that it has.
        exceptions: packages beyond the list.
        stated: licences that metadata does not say.
        names: free texts, in lower case, and the SPDX expressions that they mean.
    """

    allowed: dict[Scope, frozenset[str]]
    separate: str
    exceptions: tuple[Excepted, ...]
    stated: tuple[Stated, ...]
    names: dict[str, str]

    @classmethod
    def load(cls, path: Path) -> "Policy":
        """The allow-list in the file.

        Raises:
            ConfigurationError: it cannot be read, lacks something, or has an expression that is not SPDX's.
        """
        try:
            policy = _policy(tomllib.loads(path.read_text()))
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(f"{path} is not an allow-list: {error}", remedy=f"Correct {path}.") from error
        for expression in _expressions(policy):
            if canonical(expression) != expression:
                raise ConfigurationError(
                    f"{path} has {expression!r}, which is not an SPDX expression in SPDX's spelling",
                    remedy=f"Write it as SPDX does: {canonical(expression) or 'see the list of SPDX licences'}.",
                )
        return policy

    def stated_for(self, ecosystem: Ecosystem, package: str) -> str | None:
        """The licence that a person read for this package."""
        return next((entry.licence for entry in self.stated if entry.names(ecosystem, package)), None)


def refusals(components: Iterable[Component], policy: Policy) -> Iterator[str]:
    """A sentence with its remedy for each package that the list does not allow, and for each exception without use."""
    used: set[Excepted] = set()
    for component in components:
        entry = next((e for e in policy.exceptions if _excepts(e, component)), None)
        who = f"{component.name} {component.version} ({component.ecosystem}, {component.scope})"
        if canonical(component.licence) is None:
            yield (
                f"{who}: its licence is not known; it says {component.licence!r}.\n"
                f"  Remedy: read its licence and add it to [[stated]], or the text to [names], in {FILE}."
            )
        elif allows(policy.allowed[component.scope], component.licence):
            continue
        elif entry is None:
            yield (
                f"{who}: {component.licence} is not allowed.\n"
                f"  Remedy: use another package, or add an [[exceptions]] with its reason to {FILE}."
            )
        else:
            used.add(entry)
    for entry in policy.exceptions:
        if entry not in used:
            yield (
                f"{entry.package}: the exception for {entry.licence} is not needed (any more).\n"
                f"  Remedy: remove it from {FILE}."
            )


def _excepts(entry: Excepted, component: Component) -> bool:
    return fnmatchcase(component.name, entry.package) and component.licence == entry.licence


def _policy(data: dict[str, Any]) -> Policy:
    runtime = frozenset(data["runtime"]["allowed"])
    return Policy(
        allowed={
            "runtime": runtime,
            "separate": runtime | frozenset(data["separate"]["allowed"]),
            "development": runtime | frozenset(data["development"]["allowed"]),
        },
        separate=data["separate"]["reason"],
        exceptions=tuple(Excepted(**entry) for entry in data["exceptions"]),
        stated=tuple(Stated(**entry) for entry in data["stated"]),
        names={name.casefold(): licence for name, licence in data["names"].items()},
    )


def _expressions(policy: Policy) -> Iterator[str]:
    for names in policy.allowed.values():
        yield from names
    yield from (entry.licence for entry in policy.exceptions)
    yield from (entry.licence for entry in policy.stated)
    yield from policy.names.values()
