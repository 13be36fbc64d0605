"""Draws a family's panels into one SVG file: the same numbers give the same bytes.

matplotlib comes from requirements-bench.txt and is imported when something is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.quantities import Bars, Lines, Panel

COLUMNS = 2
PANEL_INCHES = (5.6, 3.6)
BAR_INCHES = 0.17  # as thick as the number at its end is high
# A palette that colour-blind people tell apart (Okabe and Ito); ours is always the first.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#999999", "#f0e442", "#000000")
STYLE = {
    "svg.hashsalt": "waybill",  # ids are random without one
    "svg.fonttype": "path",  # looks alike everywhere
    "font.family": "DejaVu Sans",  # ships with matplotlib
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "axes.titlesize": 10,
    "legend.frameon": False,
    "legend.fontsize": 8,
}


def draw(title: str, panels: Sequence[Panel], file: Path) -> None:
    """Write the plot. Raises ImportError where matplotlib is not installed."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    columns = min(COLUMNS, len(panels))
    heights = [
        max(_inches(panel) for panel in panels[start : start + columns]) for start in range(0, len(panels), columns)
    ]
    with rc_context(STYLE):
        figure = Figure(figsize=(PANEL_INCHES[0] * columns, sum(heights) + 0.4), layout="constrained")
        grid = figure.subplots(len(heights), columns, squeeze=False, height_ratios=heights)
        figure.suptitle(title, fontsize=12, fontweight="bold")
        places = [place for row in grid for place in row]
        for place, panel in zip(places, panels, strict=False):
            place.set_title(panel.title)
            _bars(place, panel) if isinstance(panel, Bars) else _lines(place, panel)
        for place in places[len(panels) :]:
            place.set_visible(False)
        file.parent.mkdir(parents=True, exist_ok=True)
        # White, for a reader whose page is dark. No date: a file changes only when its numbers do.
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white")
    file.write_text("\n".join(line.rstrip() for line in file.read_text("utf-8").splitlines()) + "\n", "utf-8")


def _inches(panel: Panel) -> float:
    bars = 0 if isinstance(panel, Lines) or panel.stacked else len(panel.groups) * len(panel.series)
    return max(PANEL_INCHES[1], 1 + bars * BAR_INCHES)


def _bars(place: Any, panel: Bars) -> None:
    """Horizontal, the first group on top, so that names can be long."""
    count = 1 if panel.stacked else len(panel.series)
    thickness = 0.8 / count
    lefts = [0.0] * len(panel.groups)
    for number, (name, values) in enumerate(panel.series.items()):
        numbers = [value or 0.0 for value in values]
        heights = [group + (0 if panel.stacked else (number - (count - 1) / 2) * thickness) for group in _range(panel)]
        drawn = place.barh(
            heights, numbers, thickness, left=lefts if panel.stacked else None, label=name, color=_colour(number)
        )
        if panel.stacked:
            lefts = [left + value for left, value in zip(lefts, numbers, strict=True)]
        else:
            place.bar_label(drawn, [_shown(value) for value in values], padding=2, fontsize=7)
    place.set_yticks([*_range(panel)], panel.groups)
    place.invert_yaxis()
    place.grid(visible=False, axis="y")
    place.set_xlabel(panel.unit)
    if panel.logarithmic:
        place.set_xscale("log")
    place.margins(x=0.12)
    if len(panel.series) > 1:
        place.legend(loc="best")


def _range(panel: Bars) -> range:
    return range(len(panel.groups))


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"


def _lines(place: Any, panel: Lines) -> None:
    for number, (name, points) in enumerate(panel.series.items()):
        xs, ys = zip(*points, strict=True)
        place.plot(xs, ys, marker="o", markersize=4, label=name, color=_colour(number))
    place.set_xlabel(panel.x)
    place.set_ylabel(panel.y)
    if panel.logarithmic:
        place.set_xscale("log")
        place.set_yscale("log")
    else:
        place.set_ylim(bottom=0)
    sizes = sorted({x for points in panel.series.values() for x, _ in points})
    place.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
    place.minorticks_off()
    if len(panel.series) > 1:
        place.legend(loc="best")


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]
