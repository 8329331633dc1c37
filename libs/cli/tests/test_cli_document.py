"""What `medkg document` says."""

import pytest
from medkg_cli.document import removal_text
from medkg_operations.documents import DocumentRemoval


@pytest.mark.parametrize(
    ("records", "vectors", "dry_run", "text"),
    [
        (3, 3, False, "removed 3 records and 3 vectors of ctgov:NCT1"),
        (1, 0, True, "would remove 1 record and 0 vectors of ctgov:NCT1"),
        (0, 0, False, "nothing of ctgov:NCT1 is in the index of tenant acme"),
    ],
)
def test_a_removal_says_what_is_gone(records: int, vectors: int, dry_run: bool, text: str) -> None:
    """It names how much was removed, would be, or that there was nothing."""
    assert text == removal_text(DocumentRemoval("acme", "ctgov:NCT1", records, vectors), dry_run=dry_run)
