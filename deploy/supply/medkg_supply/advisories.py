"""Holds the known vulnerabilities against the list of those that are accepted for a while."""

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from medkg_contracts.errors import ConfigurationError

from .audit import Answer, NotAsked, Vulnerability

FILE = "deploy/supply/advisories.toml"
#: Said every time, so that nobody takes the locks for all.
_BEYOND = "not checked here: the jars of Kafka, OpenSearch and Neo4j, and Debian's packages in images"


@dataclass(frozen=True)
class Ignored:
    """An advisory that is accepted for a while.

    Attributes:
        id: its name or an alias, such as ``GHSA-…``, ``PYSEC-…`` or ``CVE-…``.
        package: the package that has it.
        reason: why it does no harm here.
        until: the last day on which that counts.
    """

    id: str
    package: str
    reason: str
    until: date


@dataclass(frozen=True)
class Verdict:
    """The outcome.

    Attributes:
        lines: what to print.
        failed: whether something has to be done.
    """

    lines: tuple[str, ...]
    failed: bool


def load(path: Path) -> tuple[Ignored, ...]:
    """The accepted advisories in the file.

    Raises:
        ConfigurationError: the file cannot be read, or an entry lacks something.
    """
    try:
        entries = tuple(Ignored(**entry) for entry in tomllib.loads(path.read_text()).get("ignored", []))
    except (OSError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{path} is not a list of advisories: {error}", remedy=f"Correct {path}.") from error
    for entry in entries:
        if type(entry.until) is not date or not entry.reason.strip():
            raise ConfigurationError(
                f"{path}: {entry.id} needs a reason and a date `until`",
                remedy="Write the date as TOML does: until = 2027-01-31.",
            )
    return entries


def verdict(replies: Sequence[Answer | NotAsked], ignored: Sequence[Ignored], today: date) -> Verdict:
    """What follows from what the services said.

    A vulnerability that is not accepted fails, and so does an entry whose day has passed. A service that did not answer
    does not: then it is said that nothing is known.
    """
    expired = [entry for entry in ignored if entry.until < today]
    answers = [reply for reply in replies if isinstance(reply, Answer)]
    found = [vulnerability for answer in answers for vulnerability in answer.vulnerabilities]
    failing = [vulnerability for vulnerability in found if not _accepted(vulnerability, ignored)]
    lines = [
        *(line for reply in replies for line in _reply(reply, ignored)),
        *(_expired(entry) for entry in expired),
        *_unused(ignored, found, all_answered=len(answers) == len(replies)),
        _BEYOND,
        _conclusion(replies, len(failing), len(expired)),
    ]
    return Verdict(tuple(lines), failed=bool(failing or expired))


def _reply(reply: Answer | NotAsked, ignored: Iterable[Ignored]) -> Iterator[str]:
    if isinstance(reply, NotAsked):
        yield f"{reply.lock}: NOT CHECKED. {reply.why}"
        return
    yield f"{reply.lock}: {reply.asked} packages asked about, {len(reply.vulnerabilities)} known vulnerabilities"
    for vulnerability in reply.vulnerabilities:
        entry = _accepted(vulnerability, ignored)
        what = f"{vulnerability.ids[0]} in {vulnerability.package}: {vulnerability.summary}"
        if entry:
            yield f"  accepted until {entry.until}: {what}. {entry.reason}"
        else:
            yield f"  VULNERABLE: {what}\n    Remedy: {vulnerability.remedy} Or accept it for a while in {FILE}."
    for note in reply.notes:
        yield f"  note: {note}"


def _accepted(vulnerability: Vulnerability, ignored: Iterable[Ignored]) -> Ignored | None:
    package = vulnerability.package.partition(" ")[0]
    return next((entry for entry in ignored if entry.id in vulnerability.ids and entry.package == package), None)


def _expired(entry: Ignored) -> str:
    return (
        f"EXPIRED: {entry.id} in {entry.package} was accepted until {entry.until}.\n"
        f"  Remedy: upgrade {entry.package}, or look at it again and set a new date in {FILE}."
    )


def _unused(ignored: Iterable[Ignored], found: Iterable[Vulnerability], *, all_answered: bool) -> Iterator[str]:
    used = {_accepted(vulnerability, ignored) for vulnerability in found}
    for entry in ignored:
        if all_answered and entry not in used:
            yield f"note: {entry.id} in {entry.package} is not found any more; remove it from {FILE}"


def _conclusion(replies: Sequence[Answer | NotAsked], failing: int, expired: int) -> str:
    silent = [reply.lock for reply in replies if isinstance(reply, NotAsked)]
    outcome = f"{failing} vulnerabilities to deal with, {expired} expired entries" if failing or expired else ""
    if silent:
        unknown = f"it is NOT KNOWN whether these have vulnerabilities: {', '.join(silent)}"
        return f"advisories: {outcome + '; ' if outcome else ''}{unknown}"
    return f"advisories: {outcome or 'every lock was checked, nothing to deal with'}"
