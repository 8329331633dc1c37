"""The guide on explaining has all causes."""

import re
from pathlib import Path

from medkg_explain import Cause

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "why-is-my-job-stuck.md"


def test_the_guide_has_a_row_for_each_cause() -> None:
    """The table of the guide names every cause once, each with its meaning and what to do."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", GUIDE.read_text(), re.MULTILINE)

    assert sorted(Cause) == sorted(name for name, _, _ in rows)
    assert all(meaning.strip() and action.strip() for _, meaning, action in rows)
