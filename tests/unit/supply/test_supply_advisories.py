"""Known vulnerabilities, and those that are accepted for a while."""

from datetime import date
from pathlib import Path

import pytest
from medkg_contracts.errors import ConfigurationError
from medkg_supply.advisories import Ignored, load, verdict
from medkg_supply.audit import Answer, NotAsked, Vulnerability

TODAY = date(2027, 1, 31)
HOLE = Vulnerability(("GHSA-1", "CVE-1"), "jinja2 3.1.2", "reads any file", "Upgrade to 3.1.3.")
CLEAN = Answer("package-lock.json", 246, ())
FOUND = Answer("uv.lock", 126, (HOLE,))
SILENT = NotAsked("uv.lock", "no such host")


def accepted(name: str = "GHSA-1", package: str = "jinja2", until: date = TODAY) -> Ignored:
    """An accepted advisory."""
    return Ignored(name, package, "nothing here renders what a stranger wrote", until)


def test_a_found_vulnerability_fails_with_its_remedy() -> None:
    """It is named with its package, and it is said what to do."""
    outcome = verdict([FOUND, CLEAN], [], TODAY)

    assert outcome.failed
    assert (
        "  VULNERABLE: GHSA-1 in jinja2 3.1.2: reads any file\n"
        "    Remedy: Upgrade to 3.1.3. Or accept it for a while in deploy/supply/advisories.toml."
    ) in outcome.lines
    assert "advisories: 1 vulnerabilities to deal with, 0 expired entries" == outcome.lines[-1]


@pytest.mark.parametrize("name", ["GHSA-1", "CVE-1"])
def test_an_accepted_vulnerability_does_not_fail_and_is_said(name: str) -> None:
    """It may be accepted under any of its names, until the end of its last day."""
    outcome = verdict([FOUND], [accepted(name)], TODAY)

    assert not outcome.failed
    assert (
        "  accepted until 2027-01-31: GHSA-1 in jinja2 3.1.2: reads any file."
        " nothing here renders what a stranger wrote"
    ) in outcome.lines


def test_an_advisory_is_accepted_for_one_package() -> None:
    """The same advisory in another package fails."""
    assert verdict([FOUND], [accepted(package="markupsafe")], TODAY).failed


@pytest.mark.parametrize("reply", [FOUND, CLEAN, SILENT])
def test_an_expired_entry_fails_whatever_the_services_say(reply: Answer | NotAsked) -> None:
    """The day after its last one it has to be looked at again, also where no service answers."""
    outcome = verdict([reply], [accepted(until=date(2027, 1, 30))], TODAY)

    assert outcome.failed
    assert (
        "EXPIRED: GHSA-1 in jinja2 was accepted until 2027-01-30.\n"
        "  Remedy: upgrade jinja2, or look at it again and set a new date in deploy/supply/advisories.toml."
    ) in outcome.lines


def test_a_silent_service_does_not_fail_and_is_said_aloud() -> None:
    """Nothing in the output looks as if there were no vulnerabilities, though no exit code says so."""
    outcome = verdict([SILENT, CLEAN], [], TODAY)

    assert not outcome.failed
    assert "uv.lock: NOT CHECKED. no such host" in outcome.lines
    assert "advisories: it is NOT KNOWN whether these have vulnerabilities: uv.lock" == outcome.lines[-1]


def test_a_found_vulnerability_fails_though_another_service_is_silent() -> None:
    """What is known counts, and what is not known is said beside it."""
    outcome = verdict([FOUND, NotAsked("package-lock.json", "refused")], [], TODAY)

    assert outcome.failed
    assert outcome.lines[-1] == (
        "advisories: 1 vulnerabilities to deal with, 0 expired entries;"
        " it is NOT KNOWN whether these have vulnerabilities: package-lock.json"
    )


def test_only_when_all_answered_it_is_said_that_all_was_checked() -> None:
    """Then the output also says what no service was asked about."""
    lines = verdict([CLEAN], [], TODAY).lines

    assert (
        "package-lock.json: 246 packages asked about, 0 known vulnerabilities",
        "not checked here: the jars of Kafka, OpenSearch and Neo4j, and Debian's packages in images",
        "advisories: every lock was checked, nothing to deal with",
    ) == lines


def test_an_entry_that_is_needed_no_more_is_said() -> None:
    """It can be removed, if all services answered; a silent one may know of it still."""
    note = "note: GHSA-1 in jinja2 is not found any more; remove it from deploy/supply/advisories.toml"

    assert [True, False] == [note in verdict([reply], [accepted()], TODAY).lines for reply in (CLEAN, SILENT)]


@pytest.mark.parametrize(
    "entry",
    [
        'id = "GHSA-1"\npackage = "jinja2"\nreason = "unused"',
        'id = "GHSA-1"\npackage = "jinja2"\nreason = " "\nuntil = 2027-01-31',
        'id = "GHSA-1"\npackage = "jinja2"\nreason = "unused"\nuntil = "2027-01-31"',
        'id = "GHSA-1"\npackage = "jinja2"\nreason = "unused"\nuntil = 2027-01-31T00:00:00Z',
    ],
)
def test_an_entry_without_reason_or_day_is_refused(tmp_path: Path, entry: str) -> None:
    """Nothing is accepted for ever, or without a word."""
    file = tmp_path / "advisories.toml"
    file.write_text(f"[[ignored]]\n{entry}\n")

    with pytest.raises(ConfigurationError):
        load(file)
