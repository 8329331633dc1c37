"""The list of tests that cost more than they may."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from tests.costs import Costs

REPOSITORY = Path(__file__).parents[2]


class Terminal:
    """Keeps what is printed."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def section(self, title: str) -> None:
        """Keep a title."""
        self.lines.append(title)

    def write_line(self, line: str) -> None:
        """Keep a line."""
        self.lines.append(line)


def listed(*phases: tuple[str, Literal["setup", "call", "teardown"], float], marks: tuple[str, ...] = ()) -> list[str]:
    """What a run with these phases lists."""
    costs, terminal = Costs(), Terminal()
    for test, phase, seconds in phases:
        report = pytest.TestReport(
            test, (test, 1, test), dict.fromkeys(marks, 1), "passed", None, phase, duration=seconds
        )
        costs.pytest_runtest_logreport(report)
    assert [None] == list(costs.pytest_terminal_summary(terminal))
    return terminal.lines[1:]


def test_tests_over_their_allowance_are_listed_with_their_phases() -> None:
    """What a test costs is the sum of its phases; the dearest test comes first."""
    phases = [("a", "call", 1.5), ("a", "setup", 0.7), ("b", "call", 2.0), ("c", "call", 9.0)]

    assert ["   9.0 s  c (call 9.0)", "   2.2 s  a (call 1.5, setup 0.7)"] == listed(*phases)


def test_a_test_with_servers_may_cost_more() -> None:
    """The mark `integration` gives a test the longer allowance."""
    phases = [("a", "call", 9.9), ("b", "call", 10.1)]

    assert ["  10.1 s  b (call 10.1)"] == listed(*phases, marks=("integration",))


def test_the_list_is_the_last_that_a_run_says_before_its_closing_line(tmp_path: Path) -> None:
    """Also where no test is on it, and after the summary of what failed."""
    (tmp_path / "pytest.ini").touch()
    (tmp_path / "test_it.py").write_text("def test_it():\n    assert False\n")
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.costs", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    failed, title, only, closing = run.stdout.splitlines()[-4:]
    expected = ("FAILED", "tests that cost more than they may: 2 s, with servers 10 s", "none", "1 failed")
    assert expected == (failed.split()[0], title.strip("= "), only, closing.strip("= ").partition(" in ")[0])
