"""Draws bar charts, as SVG."""

from collections.abc import Mapping
from typing import Any, Final

import leather
from leather import theme

# All charts of the library have one theme. Its font is one that few machines have, and its labels are hard to read.
theme.title_font_family = theme.tick_font_family = "sans-serif"
theme.label_color = "#444"

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
        grid.add_one(_chart(title, bars, 1.0, ".3f"))
    for title, bars in others.items():
        grid.add_one(_chart(title, bars, max(bars.values(), default=0.0) or 1.0, ",.0f"))
    svg: str = grid.to_svg()
    return svg


def _chart(title: str, bars: Bars, highest: float, form: str) -> Any:  # noqa: ANN401 - leather has no types
    chart = leather.Chart(title)
    chart.add_x_scale(0, highest)
    chart.add_bars([(value, f"{name} {value:{form}}") for name, value in bars.items()], fill_color=_COLOUR)
    return chart
