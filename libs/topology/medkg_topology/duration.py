"""Durations as people write them: ``30s``, ``15m``, ``2h``, ``1d``, or a number of seconds."""

import re

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_WRITTEN = re.compile(r"(?P<number>\d{1,9}(\.\d{1,6})?)(?P<unit>[smhd])", re.ASCII)

#: What a duration looks like, for editors.
PATTERN = r"^\d{1,9}(\.\d{1,6})?[smhd]$"


def parse_duration(value: object) -> float:
    """Seconds of a written duration.

    Raises:
        ValueError: it is not a duration.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    written = _WRITTEN.fullmatch(value) if isinstance(value, str) else None
    if written is None:
        raise ValueError("is not a duration")
    return float(written["number"]) * _SECONDS[written["unit"]]


def format_duration(seconds: float) -> str:
    """The duration in the largest unit that gives a whole number: 900 is ``15m``."""
    for unit in ("d", "h", "m"):
        whole, rest = divmod(seconds, _SECONDS[unit])
        if whole and not rest:
            return f"{whole:.0f}{unit}"
    return f"{seconds:.10g}s"
