"""Progress is shown as a line or as a table."""

from medkg_cli.progress_view import progress_line, stage_times
from medkg_contracts.kinds import Kind
from medkg_operations.progress import Tally
from rich.console import Console

from libs.operations.tests.events_of import completed, event, failed, started


def tally_of(*events) -> Tally:
    tally = Tally()
    for one in events:
        tally.hear(one)
    return tally


def test_a_line_has_jobs_and_stages():
    """Without a terminal, how it stands is told in a line."""
    heard = tally_of(event(Kind.JOB_ACCEPTED), completed("a", "ingest"), started("b"), started("c"), failed("c"))
    assert "jobs running 1 | ingest 1/0 parse 0/2 (1 failed)" == progress_line(heard)


def test_the_table_has_a_row_for_each_stage():
    """At the end each stage shows how long its runs took and waited."""
    console = Console(width=120)
    with console.capture() as captured:
        console.print(stage_times(tally_of(completed(duration_ms=1500.0, waited_ms=20.0))))
    assert ["parse", "1", "0", *["1.5", "s"] * 3, *["20", "ms"] * 3] == captured.get().splitlines()[-1].split()
