"""SPDX licence expressions."""

import pytest
from medkg_supply.expression import allows, canonical, named

WITH = "GPL-2.0-only WITH Classpath-exception-2.0"


@pytest.mark.parametrize(
    ("allowed", "expression", "expected"),
    [
        ({"MIT"}, "MIT", True),
        ({"MIT"}, "GPL-3.0-only", False),
        ({"MIT"}, "GPL-3.0-only OR MIT", True),
        ({"MIT"}, "GPL-3.0-only AND MIT", False),
        ({"MIT", "Apache-2.0"}, "MIT AND (Apache-2.0 OR GPL-3.0-only)", True),
        ({"MIT"}, "MIT AND (Apache-2.0 OR GPL-3.0-only)", False),
    ],
)
def test_one_side_of_an_or_and_all_of_an_and_have_to_be_allowed(
    allowed: set[str], expression: str, expected: bool
) -> None:
    """Of an OR one licence suffices, of an AND all are needed, within brackets too."""
    assert expected == allows(allowed, expression)


def test_a_licence_with_an_exception_is_allowed_by_its_full_name_alone() -> None:
    """Neither is the GPL allowed because GPL WITH an exception is, nor the other way round."""
    assert [True, False, False] == [
        allows({WITH}, WITH),
        allows({WITH}, "GPL-2.0-only"),
        allows({"GPL-2.0-only"}, WITH),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("mit or apache-2.0", "MIT OR Apache-2.0"), ("BSD", None), ("MIT OR", None), ("", None), ("MIT, see file", None)],
)
def test_an_expression_is_spelled_as_spdx_does_or_is_none(text: str, expected: str | None) -> None:
    """Case is put right; what SPDX does not know is no expression."""
    assert expected == canonical(text)


def test_a_free_text_means_what_the_table_says() -> None:
    """A text of the table counts in any case and with spaces around it; another one means nothing."""
    names = {"mit license": "MIT"}

    assert ["MIT", None] == [named(" MIT License ", names), named("The best licence", names)]
