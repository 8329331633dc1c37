"""What a person types is read."""

import codecs
from pathlib import Path

import pytest
from medkg_cli.arguments import ids_of_file, read_ids, read_pairs
from medkg_contracts.errors import InvalidRequest


def test_a_file_of_ids_may_have_comments():
    """Empty lines and comments of a file of ids are left out."""
    assert ["NCT05814159", "NCT02300909"] == read_ids(b"# ids\nNCT05814159  # first\n\n  NCT02300909\r\n")


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8 + b"# ids\n", codecs.BOM_UTF8])
def test_a_byte_order_mark_is_no_part_of_an_id(mark: bytes):
    """A file that an editor began with a byte order mark has the ids that one sees, also in files put together."""
    assert ["NCT05814159", "NCT02300909"] == read_ids(mark + b"NCT05814159\n" + mark + b"NCT02300909\n")


def test_a_file_of_ids_in_another_encoding_is_refused(tmp_path: Path):
    """A file that is not UTF-8 is refused as that."""
    file = tmp_path / "ids.txt"
    file.write_text("NCT05814159\n", encoding="utf-16")

    with pytest.raises(InvalidRequest, match="not UTF-8"):
        ids_of_file(file)


def test_a_missing_file_of_ids_is_refused(tmp_path: Path):
    """A file that is not there is named."""
    with pytest.raises(InvalidRequest, match=r"none\.txt"):
        ids_of_file(tmp_path / "none.txt")


def test_pairs_keep_what_follows_the_first_equals_sign():
    """A value may have equals signs of its own."""
    assert {"filter": "a=b", "empty": ""} == read_pairs("--query", ["filter=a=b", "empty="])


@pytest.mark.parametrize("pairs", [["noequals"], ["=value"], ["a=1", "a=2"]])
def test_wrong_pairs_are_refused(pairs):
    """A pair without name or sign, or a name that comes twice, is refused."""
    with pytest.raises(InvalidRequest, match="--metadata"):
        read_pairs("--metadata", pairs)
