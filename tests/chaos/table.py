"""The table of a run: fault x jobs x lost x duplicated x time to recover."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson


@dataclass(frozen=True)
class Row:
    """What one fault did.

    Attributes:
        jobs: sent in all.
        in_flight: asked for and not ended when the fault struck.
        lost: what should be there and is not, a sentence each.
        duplicated: what is there once too often, a sentence each.
        unseen: executions that `orchestration.events.v1` does not tell of, a sentence each.
        recovered_s: see `recovery.time_to_recover`.
        target_s: how soon it should; None where nothing is promised.
        silences: see `recovery.silences`.
    """

    fault: str
    jobs: int
    in_flight: int
    lost: Sequence[str] = field(default_factory=list)
    duplicated: Sequence[str] = field(default_factory=list)
    unseen: Sequence[str] = field(default_factory=list)
    recovered_s: float | None = None
    target_s: float | None = None
    silences: Sequence[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, duplicated or left untold."""
        return not (self.lost or self.duplicated or self.unseen)

    @property
    def verdict(self) -> str:
        """Whether it recovered in time."""
        if self.target_s is None:
            return ""
        return "pass" if self.recovered_s is not None and self.recovered_s <= self.target_s else "miss"


_HEADS = ("fault", "jobs", "in flight", "lost", "duplicated", "unseen", "recovered", "target", "")


def text(rows: Sequence[Row]) -> str:
    """The table, as aligned columns."""
    cells = [_HEADS, *(_cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(_line(row, widths) for row in cells)


def write(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as JSON, with every finding in words."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = [{**asdict(row), "verdict": row.verdict} for row in rows]
    path.write_bytes(orjson.dumps(data, option=orjson.OPT_INDENT_2))


def _cells(row: Row) -> tuple[str, ...]:
    counts = (row.jobs, row.in_flight, len(row.lost), len(row.duplicated), len(row.unseen))
    return (row.fault, *map(str, counts), _seconds(row.recovered_s), _seconds(row.target_s), row.verdict)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *numbers = zip(cells, widths, strict=True)
    return "  ".join([name[0].ljust(name[1]), *(cell.rjust(width) for cell, width in numbers)]).rstrip()
