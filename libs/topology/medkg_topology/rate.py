"""Rates as people write them: ``5/s``, ``30/m``, ``100/h``."""

import re
from math import isclose

_SECONDS = {"s": 1, "m": 60, "h": 3600}
_WRITTEN = re.compile(r"(?P<number>\d{1,9}(\.\d{1,6})?)/(?P<unit>[smh])", re.ASCII)

#: What a rate looks like, for editors.
PATTERN = r"^\d{1,9}(\.\d{1,6})?/[smh]$"


def parse_rate(value: object) -> float:
    """Executions a second of a written rate.

    Raises:
        ValueError: it is not a rate.
    """
    written = _WRITTEN.fullmatch(value) if isinstance(value, str) else None
    if written is None:
        raise ValueError("is not a rate")
    return float(written["number"]) / _SECONDS[written["unit"]]


def format_rate(per_s: float) -> str:
    """The rate in the shortest unit that gives a whole number: a twelfth of one a second is ``5/m``."""
    for unit, seconds in _SECONDS.items():
        number = per_s * seconds
        if round(number) and isclose(number, round(number)):
            return f"{round(number)}/{unit}"
    return f"{per_s * 3600:.10g}/h"
