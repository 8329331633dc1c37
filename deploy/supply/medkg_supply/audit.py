"""Asks the services that know of vulnerabilities about the locks."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medkg_contracts.errors import ConfigurationError

from .locked import uv

_TIMEOUT_S = 180.0
#: What npm says beside the reason.
_NOISE = ("npm warn Unknown", "A complete log of this run")
_UV_AUDIT = ("audit", "--quiet", "--frozen", "--preview-features", "audit-command,json-output")


@dataclass(frozen=True)
class Vulnerability:
    """A known one in a package that a lock has.

    Attributes:
        ids: its names; the first is the one to use, others are aliases.
        package: name and, where the service says it, version.
        summary: a line about it.
        remedy: what to do.
    """

    ids: tuple[str, ...]
    package: str
    summary: str
    remedy: str


@dataclass(frozen=True)
class Answer:
    """What a service said about a lock.

    Attributes:
        lock: the lock's file.
        asked: how many packages the service was asked about.
        vulnerabilities: what it knows.
        notes: what else it says, such as that a project was archived.
    """

    lock: str
    asked: int
    vulnerabilities: tuple[Vulnerability, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotAsked:
    """No service answered about a lock, so nothing is known about it.

    Attributes:
        lock: the lock's file, or what it is about.
        why: what happened.
    """

    lock: str
    why: str


def ask_uv(root: Path, *options: str) -> Answer | NotAsked:
    """What OSV, asked by `uv audit`, knows of uv.lock; further options go to uv."""
    try:
        command = [uv(), *_UV_AUDIT, "--output-format", "json", *options]
    except ConfigurationError as error:
        return NotAsked("uv.lock", str(error))
    return _said("uv.lock", command, root, answer_of_uv)


def ask_npm(folder: Path, *options: str) -> Answer | NotAsked:
    """What npm's registry knows of the folder's package-lock.json; further options go to npm."""
    lock = f"{folder.name}/package-lock.json"
    npm = shutil.which("npm")
    if npm is None:
        return NotAsked(lock, "npm is not installed")
    return _said(lock, [npm, "audit", "--json", "--package-lock-only", *options], folder, answer_of_npm)


def answer_of_uv(lock: str, data: Mapping[str, Any]) -> Answer:
    """The answer in the JSON of `uv audit`; KeyError if it is none."""
    found = tuple(
        Vulnerability(
            ids=(entry["id"], *entry["aliases"]),
            package=f"{entry['dependency']['name']} {entry['dependency']['version']}",
            summary=entry["summary"] or "no summary",
            remedy=_upgrade(entry["fix_versions"]),
        )
        for entry in data["vulnerabilities"]
    )
    notes = tuple(f"status of a project: {json.dumps(status)}" for status in data["adverse_statuses"])
    return Answer(lock, data["summary"]["audited_packages"], found, notes)


def answer_of_npm(lock: str, data: Mapping[str, Any]) -> Answer:
    """The answer in the JSON of `npm audit`; KeyError if it is none, as where the service refused."""
    # A package that is vulnerable only because it uses another names that one by a string.
    causes = [cause for entry in data["vulnerabilities"].values() for cause in entry["via"] if isinstance(cause, dict)]
    found = {
        Vulnerability(
            ids=(cause["url"].rpartition("/")[2],),
            package=f"{cause['name']} ({cause['range']})",
            summary=f"{cause['title']} ({cause['severity']})",
            remedy="Run `npm audit fix` in the folder of the lock, or wait for a release.",
        )
        for cause in causes
    }
    ordered = tuple(sorted(found, key=lambda vulnerability: vulnerability.ids))
    return Answer(lock, data["metadata"]["dependencies"]["total"], ordered)


def _upgrade(versions: list[str]) -> str:
    return f"Upgrade to {' or '.join(versions)}." if versions else "There is no fixed release yet."


def _said(
    lock: str, command: list[str], folder: Path, read: Callable[[str, Mapping[str, Any]], Answer]
) -> Answer | NotAsked:
    """The exit code tells nothing: both commands fail alike for a found vulnerability and for a silent service."""
    try:
        done = subprocess.run(  # noqa: S603 - ours
            command, cwd=folder, env=os.environ, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return NotAsked(lock, f"no answer within {_TIMEOUT_S:g} s")
    try:
        return read(lock, json.loads(done.stdout))
    except (ValueError, KeyError, TypeError):
        return NotAsked(lock, _last_words(done))


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in done.stderr.splitlines()]
    told = [line for line in lines if line and not any(noise in line for noise in _NOISE)]
    return "; ".join(told) or f"exit code {done.returncode} without a word"
