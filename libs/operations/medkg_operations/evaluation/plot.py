"""Draws bar charts, as SVG."""

from collections.abc import Mapping
from typing import Any, Final

import leather

_COLOUR: Final = "#1b6ca8"

#: By the name of a bar, its length.
Bars = Mapping[str, float]


def bar_charts(shares: Mapping[str, Bars], others: Mapping[str, Bars]) -> str:
    """A chart for each title, side by side.

    Args:
        shares: of values from 0 to 1, which are drawn on that scale.
        others: of values from 0 on.
    """
    grid = leather.Grid()
    for title, bars in shares.items():
        grid.add_one(_chart(title, bars, 1.0))
    for title, bars in others.items():
        grid.add_one(_chart(title, bars, max(bars.values(), default=0.0) or 1.0))
    svg: str = grid.to_svg()
    return svg


def _chart(title: str, bars: Bars, highest: float) -> Any:  # noqa: ANN401 - leather has no types
    chart = leather.Chart(title)
    chart.add_x_scale(0, highest)
    chart.add_bars([(value, f"{name} {value:.3g}") for name, value in bars.items()], fill_color=_COLOUR)
    return chart
