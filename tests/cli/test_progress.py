"""What is said of long work where stderr is no terminal."""

from __future__ import annotations

import io
import re

import pytest

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


class Terminal(io.StringIO):
    """What a person looks at."""

    def isatty(self) -> bool:
        return True


def shown(output: Output, stderr: Terminal) -> list[str]:
    """The lines on a terminal while something is said in the middle of work."""
    with Progress(output, "moved", 2) as progress:
        progress.advance(1)
        output.say("1 letter sent [first]")
        progress.advance(1)
    output.say("2 moved")
    return [line.strip() for line in re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", stderr.getvalue()).splitlines()]


@pytest.mark.parametrize("stdout", [io.StringIO(), Terminal()], ids=["file", "terminal"])
def test_what_is_said_meanwhile_has_a_line_of_its_own(stdout: io.StringIO) -> None:
    """Above the bar."""
    stderr = Terminal()
    lines = shown(Output("table", stdout=stdout, stderr=stderr), stderr)
    assert any("/2" in line for line in lines)
    assert "1 letter sent [first]" in lines
    assert lines[-1] == "2 moved"


def test_there_is_no_bar_among_data_on_a_terminal() -> None:
    """It would be torn by them."""
    stderr = Terminal()
    assert shown(Output("ndjson", stdout=Terminal(), stderr=stderr), stderr) == ["1 letter sent [first]", "2 moved"]
