"""What a person and a machine read of a run."""

from pathlib import Path

import orjson

from .table import Row, text, write

ROWS = [
    Row("SIGKILL chunk", 700, 512, recovered_s=9.96, target_s=15.0),
    Row("OpenSearch down", 700, 501, lost=["a is failed"], recovered_s=31.0, target_s=15.0),
    Row("clocks", 700, 501, duplicated=["b took effect 2 times"]),
]


def test_table_has_a_line_for_each_fault() -> None:
    """Counts stand in columns, and a target is passed or missed."""
    assert [
        "fault            jobs  in flight  lost  duplicated  unseen  recovered  target",
        "SIGKILL chunk     700        512     0           0       0     10.0 s  15.0 s  pass",
        "OpenSearch down   700        501     1           0       0     31.0 s  15.0 s  miss",
        "clocks            700        501     0           1       0",
    ] == text(ROWS).splitlines()


def test_findings_are_kept_in_words(tmp_path: Path) -> None:
    """The JSON says what was lost, not only how much."""
    write(ROWS, tmp_path / "deep" / "table.json")
    read = orjson.loads((tmp_path / "deep" / "table.json").read_bytes())

    assert [([], "pass"), (["a is failed"], "miss"), ([], "")] == [(row["lost"], row["verdict"]) for row in read]
