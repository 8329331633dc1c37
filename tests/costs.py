"""A plugin of pytest: at its end, a run lists the tests that cost more than CONTRIBUTING.md allows."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import pytest

#: How the list begins; a run of several lanes finds it by this.
TITLE: Final = "tests that cost more than they may"

#: Seconds for one test with all that it sets up and takes down.
ALLOWED_S: Final = 2.0
#: The same for a test with real servers, which may wait for them, and be the first to need one.
ALLOWED_WITH_SERVERS_S: Final = 10.0


class Costs:
    """What each test of a run has cost, in seconds."""

    def __init__(self) -> None:
        self._phases: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self._allowed: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how long one phase of a test took."""
        self._phases[report.nodeid][report.when] = report.duration
        self._allowed[report.nodeid] = ALLOWED_WITH_SERVERS_S if "integration" in report.keywords else ALLOWED_S

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
        """Print the list after all other summaries, also when nothing is on it."""
        yield
        terminalreporter.section(f"{TITLE}: {ALLOWED_S:g} s, with servers {ALLOWED_WITH_SERVERS_S:g} s")
        for line in self._lines():
            terminalreporter.write_line(line)

    def _lines(self) -> list[str]:
        """The tests over their allowance, the dearest first, each with its phases."""
        totals = {test: sum(phases.values()) for test, phases in self._phases.items()}
        dear = sorted((test for test in totals if totals[test] > self._allowed[test]), key=lambda test: -totals[test])
        return [f"{totals[test]:6.1f} s  {test} ({_told(self._phases[test])})" for test in dear] or ["none"]


def _told(phases: dict[str, float]) -> str:
    return ", ".join(f"{phase} {seconds:.1f}" for phase, seconds in phases.items())


def pytest_configure(config: pytest.Config) -> None:
    """Watch this run."""
    config.pluginmanager.register(Costs(), "medkg-costs")
