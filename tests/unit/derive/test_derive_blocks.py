"""Derived blocks among what is written by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.errors import ConfigurationError
from medkg_derive.blocks import renewed

TEXT = """\
before
  # derived: names, by `make derive`
  old
  # end: names
between
<!-- derived: table -->
<!-- end: table -->
after
"""


def test_only_the_blocks_change() -> None:
    """The lines between a block's first and last are replaced, indented as those are; all others stay."""
    text = renewed(TEXT, {"names": ["a", "", "b"], "table": ["| c |"]})

    assert (
        "before\n  # derived: names, by `make derive`\n  a\n\n  b\n  # end: names\n"
        "between\n<!-- derived: table -->\n| c |\n<!-- end: table -->\nafter\n"
    ) == text


@given(st.lists(st.text(st.characters(categories=("L", "N")), max_size=8)))
def test_renewing_twice_is_renewing_once(lines: list[str]) -> None:
    """A text whose blocks are current is left as it is."""
    once = renewed(TEXT, {"names": lines, "table": lines})

    assert once == renewed(once, {"names": lines, "table": lines})


@pytest.mark.parametrize(
    "damage", [("# end: names", ""), ("derived: table", "table"), ("derived: names", "derived: nmes")]
)
def test_a_lost_line_of_a_block_is_named(damage: tuple[str, str]) -> None:
    """A file that has lost a block's first or last line is refused, and what has to be there is said."""
    with pytest.raises(ConfigurationError, match="have to be names, table"):
        renewed(TEXT.replace(*damage), {"names": [], "table": []})
