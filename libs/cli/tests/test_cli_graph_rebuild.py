"""What `medkg graph rebuild` says."""

import pytest
from medkg_cli.graph_rebuild import lines
from medkg_operations.graph.rebuild import RebuildReport


@pytest.mark.parametrize(
    ("report", "dry_run", "told", "differs"),
    [
        (RebuildReport(documents=9, exact=9), False, ["9 documents, of which the graph had 9 just as they are"], False),
        (
            RebuildReport(
                documents=9,
                exact=7,
                mended=1,
                claims_added=4,
                claims_removed=2,
                removed=1,
                differing=["a", "b"],
                later=1,
            ),
            True,
            [
                "9 documents, of which the graph had 7 just as they are",
                "1 would be written: 4 claims more, 2 taken out",
                "1 would be removed, since they are not to be there",
                "they are a, b",
                "1 have come in a later version, or are removed, and were left alone",
            ],
            True,
        ),
        (
            RebuildReport(strays=3, unknown=2, unreadable={"a": "gone"}),
            False,
            [
                "0 documents, of which the graph had 0 just as they are",
                "3 relationships and entities of no document deleted",
                "2 are of jobs that the ledger does not know, and were kept",
                "1 have no artifacts that can be read: run their jobs again",
            ],
            True,
        ),
    ],
)
def test_a_rebuild_says_what_it_found(report: RebuildReport, dry_run: bool, told: list[str], differs: bool) -> None:
    """What is exact, what was or would be done, and what was left; what is not as artifacts say is a difference."""
    assert (told, differs) == (lines(report, dry_run=dry_run), report.differs)
