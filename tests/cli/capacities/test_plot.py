"""Numbers as blocks."""

from __future__ import annotations

from cli.capacities.plot import plot


def test_a_plot_shows_its_highest_value_and_its_time() -> None:
    """The axis ends where the time does."""
    assert plot([4, 2, 1, 0], width=4, height=2, seconds=1_200) == [
        "4 │█",
        "0 │██▄",
        "  └────",
        "   0 1,200 s",
    ]


def test_a_long_series_keeps_its_peaks() -> None:
    """A column is the highest of its values, for a peak is what one looks for."""
    lines = plot([0.0] * 500 + [9.0] + [0.0] * 499, width=10, height=1, seconds=1_000)
    assert lines[0] == "9 │     █"


def test_what_is_little_is_seen_all_the_same() -> None:
    """A backlog of one beside one of a million is no empty queue."""
    assert plot([1e6, 1], width=2, height=1, seconds=2)[0] == "1,000,000 │█▁"


def test_nothing_is_an_empty_plot() -> None:
    """And no division by zero."""
    assert plot([0, 0], width=2, height=1, seconds=2)[0] == "0 │"
