"""What `medkg index reindex` tells."""

from medkg_cli.index import told
from medkg_search import Reindexed


def test_what_was_copied_and_what_is_left_to_do_is_told():
    """The earlier index stays, and is named with how it is deleted."""
    expected = (
        "7 records copied into t-chunks-v2, which is searched and written from now on\n"
        "t-chunks-v1 is no longer used: delete it when you are sure (`DELETE /t-chunks-v1`)"
    )
    assert expected == told(Reindexed("t-chunks-v2", "t-chunks-v1", 7))


def test_nothing_to_do_is_told():
    """An index of this release is left as it is."""
    assert "t-chunks-v2 is this release's already; nothing was copied" == told(
        Reindexed("t-chunks-v2", "t-chunks-v2", 0)
    )
