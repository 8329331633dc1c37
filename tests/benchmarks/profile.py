"""Where the processor's time goes, by package: grouping of a sampler's counts. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_INSTALLED: Final = re.compile(r"/site-packages/([A-Za-z0-9_]+)")
_OURS: Final = re.compile(r"/(medkg_[a-z]+)/")
_STANDARD: Final = re.compile(r"/lib/python3\.\d+/([A-Za-z0-9_]+)|<frozen ([A-Za-z0-9_]+)")

#: Packages that belong together under one name.
_FAMILIES: Final[Mapping[str, str]] = {
    "asyncio": "asyncio/uvloop",
    "uvloop": "asyncio/uvloop",
    "selectors": "asyncio/uvloop",
    "pydantic_core": "pydantic",
    "fast_depends": "faststream",
}


@dataclass(frozen=True, slots=True)
class Sampled:
    """How often a function was found running.

    Attributes:
        path: of its file.
        count: samples in which it was the innermost Python function; C code counts for who called it.
    """

    path: str
    function: str
    count: int


def module_of(path: str) -> str:
    """The package of a source file, as the report names it."""
    if ours := _OURS.search(path):
        return ours[1]
    if installed := _INSTALLED.search(path):
        return _FAMILIES.get(installed[1], installed[1])
    if standard := _STANDARD.search(path):
        return _FAMILIES.get(standard[1] or standard[2], "standard library")
    return "other"


def by_module(samples: Iterable[Sampled]) -> dict[str, float]:
    """Each package's share of all samples, largest first; they add up to 1."""
    counts: Counter[str] = Counter()
    for sampled in samples:
        counts[module_of(sampled.path)] += sampled.count
    total = counts.total()
    return {module: count / total for module, count in counts.most_common()}


def heaviest(samples: Iterable[Sampled], limit: int) -> dict[str, float]:
    """The functions that were found most often, ``module: function``, with their share of all samples."""
    counts: Counter[str] = Counter()
    for sampled in samples:
        counts[f"{module_of(sampled.path)}: {sampled.function}"] += sampled.count
    total = counts.total()
    return {name: count / total for name, count in counts.most_common(limit)}
