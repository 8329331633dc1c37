"""The runbook that an error names is there."""

import pytest
from markdown import Markdown  # type: ignore[import-untyped]  # it has none
from medkg_contracts.errors import MedkgError

from .blocks import DOCS
from .tables import error_tree


def anchors(page: str) -> set[str]:
    """The anchors of a runbook's headings, as the site makes them."""
    site = Markdown(extensions=["toc", "attr_list", "tables"])
    site.convert((DOCS / "runbooks" / page).read_text())
    waiting, found = list(site.toc_tokens), set()
    while waiting:
        heading = waiting.pop()
        found.add(heading["id"])
        waiting += heading["children"]
    return found


@pytest.mark.parametrize("error", [error for _, error in error_tree()], ids=lambda error: error.__name__)
def test_the_runbook_of_an_error_exists(error: type[MedkgError]) -> None:
    """An error's runbook is a page below docs/runbooks, and a heading of it where it names one."""
    page, _, anchor = error.runbook.partition("#")

    assert {anchor} - {""} <= anchors(page)
