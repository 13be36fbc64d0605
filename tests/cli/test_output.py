"""What a command writes, by format and by width of the terminal."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest

from cli.output import Column, Format, Output

COLUMNS = (Column("id", "Event"), Column("why", "Why"), Column("receives", "Receives", right=True))
ROWS: list[dict[str, Any]] = [
    {"id": "OrderPlaced-5fbc8d09-10248", "why": "not a message of ours: " + "a word " * 20, "receives": 1200},
    {
        "id": "OrderPlaced-5fbc8d09-1",
        "why": "tab\tand\nline [red]no markup[/red]",
        "receives": None,
        "group": "[bold]A[/bold]",
    },
]


class Terminal(io.StringIO):
    """Of eighty columns, as rich asks for them."""

    def isatty(self) -> bool:
        return True


def written(format: Format | None, stdout: io.StringIO) -> str:  # noqa: A002 - what -o is called
    Output(format, stdout=stdout).rows(COLUMNS, ROWS)
    return stdout.getvalue()


@pytest.mark.parametrize("columns", ["80", "50", "20"])
def test_a_narrow_terminal_tears_no_id(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text is folded between words; what does not fit is the terminal's to break."""
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("NO_COLOR", "1")
    text = re.sub(r"\x1b\[\d*m", "", written(None, Terminal()))
    assert "OrderPlaced-5fbc8d09-10248" in text
    assert "1,200" in text
    if columns != "20":
        assert max(map(len, text.splitlines())) <= int(columns)


def test_prose_is_broken_between_words_at_a_terminal_and_left_alone_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of its lines keeps its indent."""
    monkeypatch.setenv("COLUMNS", "30")
    text = "why: " + "word " * 6 + "\n  waybill-dev-consumers-analytics-unwell: raised, and so on"
    terminal, pipe = Terminal(), io.StringIO()
    for stdout in (terminal, pipe):
        Output(None, stdout=stdout).document({}, text, prose=True)
    assert pipe.getvalue() == f"{text}\n"
    assert terminal.getvalue().splitlines() == [
        "why: word word word word word",
        "    word",
        "  waybill-dev-consumers-analytics-unwell:",
        "      raised, and so on",
    ]


def test_what_makes_no_table_here_is_told_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns in which nothing is said go first; then each row is named on a line, with the rest of it below."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    columns = [Column("level", "Level"), Column("about", "About", key=True), Column("n", "Number", right=True)]
    rows: list[dict[str, Any]] = [
        {"level": "wrong", "about": "a" * 48, "n": 0},
        {"level": "ok", "about": "b", "n": None},
    ]
    narrow, wordy = Terminal(), Terminal()
    Output(None, stdout=narrow).rows(columns, rows)
    assert [line.split() for line in _plain(narrow)] == [["Level", "About"], ["wrong", "a" * 48], ["ok", "b"]]
    Output(None, stdout=wordy).rows([*columns, Column("why", "Why")], [{**row, "why": "word " * 60} for row in rows])
    told = _plain(wordy)
    assert told[0].split() == ["wrong", "a" * 48]
    assert told[1].startswith("  Why     word word")
    assert max(map(len, told)) <= 60


def test_a_column_without_a_value_goes_before_one_of_noughts(monkeypatch: pytest.MonkeyPatch) -> None:
    """That nothing waits is worth knowing; that nothing is known is not."""
    monkeypatch.setenv("COLUMNS", "30")
    columns = [Column("id", "Event"), Column("rate", "Messages/second"), Column("n", "Dead letters")]
    terminal = Terminal()
    Output(None, stdout=terminal).rows(columns, [{"id": "a", "rate": "unknown", "n": 0}])
    assert [line.split() for line in _plain(terminal)] == [["Event", "Dead", "letters"], ["a", "0"]]


def _plain(terminal: Terminal) -> list[str]:
    return re.sub(r"\x1b\[[\d;]*m", "", terminal.getvalue()).splitlines()


def test_a_file_gets_a_wide_table_whatever_the_terminal_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody reads it later, elsewhere."""
    monkeypatch.setenv("COLUMNS", "40")
    first = written("table", io.StringIO()).splitlines()[1]
    assert first.startswith("OrderPlaced-5fbc8d09-10248")
    assert first.count("a word") == 20


def test_a_pipe_gets_a_line_for_each_row() -> None:
    """Names first; a tab or a line break in a value is none in the line."""
    header, first, second = written(None, io.StringIO()).splitlines()
    assert header.split("\t") == ["id", "why", "receives"]
    assert first.split("\t")[2] == "1200"
    assert second.split("\t") == ["OrderPlaced-5fbc8d09-1", "tab\\tand\\nline [red]no markup[/red]", ""]


def test_programs_get_members_that_no_column_names() -> None:
    """As one document, or a line for each."""
    assert json.loads(written("json", io.StringIO())) == ROWS
    assert [json.loads(line) for line in written("ndjson", io.StringIO()).splitlines()] == ROWS
