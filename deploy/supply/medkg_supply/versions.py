"""The table of versions in docs/compatibility.md: what the locks have, and what the packages allow."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from medkg_contracts.errors import ConfigurationError
from medkg_stack import kafka_distribution as kafka
from medkg_stack import neo4j, opensearch
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from .locked import python_locked

_MADE = re.compile(r"(?<=<!-- versions -->\n).*?(?=<!-- end of versions -->)", re.DOTALL)


def renewed(page: str, table: str) -> str:
    """The page with its made part as it has to be.

    Raises:
        ConfigurationError: the page has no made part.
    """
    if not _MADE.search(page):
        raise ConfigurationError(
            "the page has no part for the versions",
            remedy="Add the lines `<!-- versions -->` and `<!-- end of versions -->` to docs/compatibility.md.",
        )
    return _MADE.sub(lambda _: f"\n{table}\n\n", page)


def table(root: Path) -> str:
    """Python, the servers that we fetch, and every package that one of ours depends on at run time."""
    manifests = [tomllib.loads(path.read_text()) for path in _manifests(root)]
    rows = [
        ("Python", "", manifests[0]["project"]["requires-python"]),
        ("Kafka", kafka.VERSION, f"{kafka.VERSION}; needs Java {kafka.MINIMUM_JAVA} or newer"),
        ("OpenSearch", opensearch.VERSION, f"{opensearch.VERSION}; needs Java {opensearch.MINIMUM_JAVA} or newer"),
        ("Neo4j", neo4j.VERSION, f"{neo4j.VERSION}; needs Java {neo4j.MINIMUM_JAVA} or newer"),
        *packages(manifests, python_locked(root)),
    ]
    lines = ["| what | locked | allowed |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {locked} | {allowed} |" for name, locked, allowed in rows)])


def packages(manifests: Iterable[Mapping[str, object]], locked: Iterable[tuple[str, str]]) -> Iterator[tuple[str, ...]]:
    """Name, locked versions and the range that all manifests together allow, by name; ours are left out."""
    versions: dict[str, list[str]] = defaultdict(list)
    for name, version in sorted(locked):
        versions[name].append(version)
    allowed: dict[str, SpecifierSet] = defaultdict(SpecifierSet)
    for requirement in _requirements(manifests):
        allowed[canonicalize_name(requirement.name)] &= requirement.specifier
    for name in sorted(allowed):
        if name in versions:
            yield name, ", ".join(versions[name]), _range(allowed[name])


def _manifests(root: Path) -> list[Path]:
    """The root's first."""
    return [
        root / "pyproject.toml",
        *sorted(root.glob("libs/*/pyproject.toml")),
        *sorted(root.glob("services/*/pyproject.toml")),
    ]


def _requirements(manifests: Iterable[Mapping[str, object]]) -> Iterator[Requirement]:
    for manifest in manifests:
        project = manifest["project"]
        if isinstance(project, dict):
            yield from map(Requirement, project.get("dependencies", []))


def _range(specifiers: SpecifierSet) -> str:
    """Each bound once, lower ones first; a weaker one stays beside a stronger, as it is somebody's."""
    return ", ".join(sorted(set(map(str, specifiers)), key=lambda text: (text[0] == "<", text))) or "any"
