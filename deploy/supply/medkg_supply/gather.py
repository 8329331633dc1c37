"""Finds out what medkg depends on, and under which licence."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from email.message import Message
from pathlib import Path

from . import debian, jars
from .component import Component, Record
from .declared import installed, licence
from .locked import npm_locked, python_locked
from .policy import Policy

#: Has the metadata of a Python package by name and version.
Fetch = Callable[[str, str], Message]
NPM_LOCK = "asyncapi/package-lock.json"


def current(root: Path, policy: Policy, record: Record, fetch: Fetch | None) -> Record:
    """What the record has to be now.

    Args:
        root: the checkout.
        policy: for the licences that a person read, and what free texts mean.
        record: what is known so far; jars, and Python packages that this interpreter has not, are taken from it.
        fetch: where to have those packages from instead, and then jars are read anew too.

    Raises:
        ConfigurationError: a lock cannot be read, or the jars are needed and were not fetched.
    """
    known = {(c.name, c.version): c.licence for c in record.components if c.ecosystem == "python"}
    found = set(_python(root, policy, known, fetch))
    found.update(npm_locked(root / NPM_LOCK))
    found.update(_debian(root, policy))
    found.update(_jars(policy, record, fetch))
    return Record(tuple(sorted(found)), jars.entries())


def _python(root: Path, policy: Policy, known: dict[tuple[str, str], str], fetch: Fetch | None) -> Iterator[Component]:
    here = installed()
    for (name, version), scope in python_locked(root).items():
        metadata = here.get((name, version)) or (fetch(name, version) if fetch else None)
        if metadata:
            expression = licence(metadata, policy.names) or says(metadata)
        else:
            expression = known.get((name, version), "nothing")
        yield Component("python", name, version, scope, policy.stated_for("python", name) or expression)


def _jars(policy: Policy, record: Record, fetch: Fetch | None) -> Iterator[Component]:
    """Read anew where the record is written; a check, on a machine that may have none, takes them as recorded."""
    if fetch:
        for folder, scope in jars.folders():
            yield from jars.components(folder, policy.names, lambda name: policy.stated_for("jar", name), scope)
    else:
        for component in record.components:
            if component.ecosystem == "jar":
                yield replace(component, licence=policy.stated_for("jar", component.name) or component.licence)


def says(metadata: Message) -> str:
    """What a package says of its licence, where we do not understand it: for the refusal."""
    classifiers = [c for c in metadata.get_all("Classifier") or [] if c.startswith("License ::")]
    texts = [metadata.get("License-Expression"), (metadata.get("License") or "")[:60], *classifiers]
    return "; ".join(filter(None, texts)) or "nothing"


def _debian(root: Path, policy: Policy) -> Iterator[Component]:
    """Without versions, as a release's security updates change them without us."""
    for name in debian.taken(root):
        yield Component("debian", name, "", "runtime", policy.stated_for("debian", name) or "nothing")
