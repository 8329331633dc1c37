"""The rig, and the table that is printed when all faults have struck."""

from collections.abc import Iterator

import pytest
from medkg_testing import local_stack

from tests.shipped import REPOSITORY
from tests.studies import hurried

from . import table
from .disk import Disk
from .rig import Rig
from .table import Row

_ROWS = pytest.StashKey[list[Row]]()
_FILE = REPOSITORY / ".medkg" / "chaos" / "table.json"


def pytest_configure(config: pytest.Config) -> None:
    """Begin an empty table."""
    config.stash[_ROWS] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table and write it as JSON."""
    rows = config.stash[_ROWS]
    if rows:
        table.write(rows, _FILE)
        terminalreporter.section("chaos")
        terminalreporter.write_line(table.text(rows))
        terminalreporter.write_line(f"in words: {_FILE}")


@pytest.fixture(scope="package")
def rows(pytestconfig: pytest.Config) -> list[Row]:
    """The table of this run."""
    return pytestconfig.stash[_ROWS]


@pytest.fixture(scope="package")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """The product on three brokers, its artifact store on a disk of its own."""
    folder = tmp_path_factory.mktemp("chaos")
    disk = Disk(folder / "artifacts")
    try:
        with local_stack(folder, brokers=3) as product:
            yield Rig(hurried(product), disk)
    finally:
        disk.unmount()
