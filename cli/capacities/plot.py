"""A line of numbers as blocks that a terminal shows, readable without colour."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

BLOCKS = " ▁▂▃▄▅▆▇█"
WIDEST = 4  # columns of one value, where there are few


def plot(values: Sequence[float], *, width: int = 60, height: int = 6, seconds: int) -> list[str]:
    """Lines of at most `width` columns and `height` rows over an axis of so many seconds; a column is its highest
    value. Nothing to see is an empty plot, not an error."""
    columns = _columns(values, width)
    top = max(columns, default=0.0)
    label = f"{top:,.0f}"
    lines = []
    for row in range(height, 0, -1):
        left = label if row == height else "0" if row == 1 else ""
        lines.append(f"{left:>{len(label)}} │" + "".join(_block(value, top, row, height) for value in columns).rstrip())
    end = f"{seconds:,} s"
    lines.append(" " * len(label) + " └" + "─" * len(columns))
    lines.append(" " * len(label) + "  0" + end.rjust(max(len(columns) - 1, len(end) + 1)))
    return lines


def _columns(values: Sequence[float], width: int) -> list[float]:
    if len(values) <= width:
        return [value for value in values for _ in range(min(WIDEST, width // max(1, len(values))))]
    edges = [len(values) * n // width for n in range(width + 1)]
    return [max(values[start:end]) for start, end in pairwise(edges)]


def _block(value: float, top: float, row: int, height: int) -> str:
    """The part of a column in one row, in eighths. What is more than nothing is seen."""
    eighths = round(value / top * height * 8) if top else 0
    if value > 0:
        eighths = max(1, eighths)
    return BLOCKS[max(0, min(8, eighths - (row - 1) * 8))]
