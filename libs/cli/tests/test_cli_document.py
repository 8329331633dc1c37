"""What `medkg document` says."""

import pytest
from medkg_cli.document import removal_text
from medkg_operations.documents import DocumentRemoval


@pytest.mark.parametrize(
    ("records", "vectors", "claims", "dry_run", "text"),
    [
        (3, 3, 2, False, "removed 3 records, 3 vectors and 2 claims of ctgov:NCT1"),
        (3, 3, None, False, "removed 3 records and 3 vectors of ctgov:NCT1"),
        (1, 0, 1, True, "would remove 1 record, 0 vectors and 1 claim of ctgov:NCT1"),
        (0, 0, 0, False, "nothing of ctgov:NCT1 is in the index or the graph of tenant acme"),
        (0, 0, None, False, "nothing of ctgov:NCT1 is in the index of tenant acme"),
    ],
)
def test_a_removal_says_what_is_gone(records: int, vectors: int, claims: int | None, dry_run: bool, text: str) -> None:
    """It names how much was removed, would be, or that there was nothing."""
    assert text == removal_text(DocumentRemoval("acme", "ctgov:NCT1", records, vectors, claims=claims), dry_run=dry_run)
