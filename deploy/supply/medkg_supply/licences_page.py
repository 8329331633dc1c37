"""The page docs/licences.md."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from .component import Component
from .policy import Excepted, Policy

_HEAD = """# Licences

What medkg depends on, and under which licences.
medkg itself is under the Apache License 2.0.

`make supply` checks that this page is current and that every licence is one that `deploy/supply/licences.toml` allows.
It is written by `uv run python deploy/supply/check.py licences --write`.

- **runtime**: a service, a server or a published library runs with it, and our images may contain it.
- **separate**: only a server that is a program of its own runs with it: see [below](#a-server-of-its-own).
- **development**: only tests, checks or the documentation use it.
"""

#: Ecosystem, heading, and what one has to know.
_SECTIONS = (
    ("python", "Python", "All versions that `uv.lock` has, for whatever interpreter or platform."),
    (
        "npm",
        "npm",
        "All of `asyncapi/package-lock.json`, which checks and renders the AsyncAPI documents. No image has any.",
    ),
    (
        "jar",
        "Jars",
        "Of Kafka, OpenSearch's minimal distribution and, apart, Neo4j. What else a jar contains, its own notices say.",
    ),
    ("debian", "Debian", "What images take by name, on Debian's base system. All of it is of Debian's main."),
)


#: What says of each vocabulary in this folder under which licence it is.
_TABLES = Path("libs/vocabulary/medkg_vocabulary/tables")


def page(root: Path, components: Iterable[Component], policy: Policy) -> str:
    """The page's text; root is that of the repository."""
    everything = sorted(components)
    return "\n".join(
        [
            _HEAD,
            "## Summary\n",
            *_summary(everything),
            "\n## Exceptions\n",
            "Runtime dependencies whose licence the list does not have, and why they may be used all the same.\n",
            *_exceptions(policy.exceptions),
            "\n## A server of its own\n",
            policy.separate,
            "\n## Data\n",
            "Vocabularies that come with medkg: data of others, in the package `medkg-vocabulary` and so in images.\n",
            *_data(root),
            *_sections(everything),
            "",
        ]
    )


def _summary(components: list[Component]) -> Iterator[str]:
    counts = Counter((component.licence, component.scope) for component in components)
    yield "| licence | runtime | separate | development |"
    yield "|---|---|---|---|"
    for licence in sorted({component.licence for component in components}):
        in_scopes = (counts[licence, scope] for scope in ("runtime", "separate", "development"))
        yield f"| {licence} | {' | '.join(map(str, in_scopes))} |"


def _exceptions(exceptions: Iterable[Excepted]) -> Iterator[str]:
    yield "| package | licence | reason |"
    yield "|---|---|---|"
    for entry in exceptions:
        yield f"| {entry.package} | {entry.licence} | {entry.reason} |"


def _data(root: Path) -> Iterator[str]:
    yield "| vocabulary | version | licence | what that asks to be said |"
    yield "|---|---|---|---|"
    for file in sorted((root / _TABLES).glob("*.json")):
        said = orjson.loads(file.read_bytes())
        yield f"| {said['name']} | {said['version']} | {said['licence']} | {said['notice']} |"


def _sections(components: list[Component]) -> Iterator[str]:
    for ecosystem, title, note in _SECTIONS:
        yield f"\n## {title}\n"
        yield f"{note}\n"
        yield "| package | version | licence | scope |"
        yield "|---|---|---|---|"
        for component in components:
            if component.ecosystem == ecosystem:
                yield f"| {component.name} | {component.version} | {component.licence} | {component.scope} |"
