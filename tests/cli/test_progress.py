"""What is said of long work where stderr is no terminal."""

from __future__ import annotations

import io

from cli.output import Output
from cli.progress import Progress


def said(*moments: tuple[float, int], total: int) -> str:
    """The lines of work that has done so many more at each moment."""
    stderr, now = io.StringIO(), [0.0]
    with Progress(Output("tsv", stdout=io.StringIO(), stderr=stderr), "sent", total, clock=lambda: now[0]) as progress:
        for moment, count in moments:
            now[0] = moment
            progress.advance(count)
    return stderr.getvalue()


def test_short_work_says_nothing() -> None:
    """Its result is there before one has read that it is under way."""
    assert said((1.0, 50), (4.9, 50), total=100) == ""


def test_long_work_says_its_rate_and_the_time_left() -> None:
    """Every five seconds, in one line."""
    assert said((5.0, 500), (6.0, 100), (10.0, 400), total=5_000) == (
        "sent: 500 of 5,000, 100/s, 45s left\nsent: 1,000 of 5,000, 100/s, 40s left\n"
    )
