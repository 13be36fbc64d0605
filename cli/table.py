"""Rows as people read them: a table where the terminal is wide enough for one, else each row as lines of its own.

Neither tears a word: an id that is torn can be neither read nor copied. A terminal that is too narrow for one breaks it
by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from textwrap import TextWrapper
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cli.output import Column, Row

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

GAP = 2  # blanks between columns, as rich pads them
LONGEST_WORD = 60  # what is longer, such as an ARN, may be broken
MOST_LINES = 4  # a row of more is read with difficulty, as its neighbours are far away
INDENT = 2
# What a tired person must see first.
STYLES = {
    **dict.fromkeys(("ALARM", "wrong"), "bold red"),
    **dict.fromkeys(("failed", "dead_lettered", "missing", "refused", "came_back"), "red"),
    **dict.fromkeys(("OK", "ok", "applied"), "green"),
}

Style = Callable[[Row], str]
Texts = Sequence[Sequence[str]]  # by column: the heading, then the cells


def draw(console: Console, columns: Sequence[Column], rows: Sequence[Row], *, title: str | None = None) -> None:
    """Write rows to a console."""
    # Lines that are longer than the terminal are its own to break.
    console.print(rendered(columns, rows, console.width, title=title), crop=False)


def rendered(
    columns: Sequence[Column],
    rows: Sequence[Row],
    width: int,
    *,
    title: str | None = None,
    style: Style = lambda row: "",  # noqa: ARG005 - a style that looks at no row
) -> RenderableType:
    """Rows for a console so wide. `style` is a row's own."""
    left = [*columns]
    silent = [column for column in columns[1:] if not any(map(_tells, _cells(column, rows)))]
    # The last ones go first, but a nought is worth more than nothing at all.
    silent.sort(key=lambda column: 0 not in _cells(column, rows))
    while not _fits(left, rows, width):
        if not silent:
            return Group(*_records(columns, rows, width, title, style))
        left.remove(silent.pop())
    return _table(left, rows, width, title, style)


def _fits(columns: Sequence[Column], rows: Sequence[Row], width: int) -> bool:
    texts = [[column.heading, *map(_shown, _cells(column, rows))] for column in columns]
    widths = _widths(texts, width - GAP * (len(columns) - 1))
    if sum(widths) + GAP * (len(columns) - 1) > width:
        return False
    return all(len(text) <= MOST_LINES * wide for column, wide in zip(texts, widths, strict=True) for text in column)


def _table(columns: Sequence[Column], rows: Sequence[Row], width: int, title: str | None, style: Style) -> Table:
    texts = [[column.heading, *map(_shown, _cells(column, rows))] for column in columns]
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column, wide in zip(columns, _widths(texts, width - GAP * (len(columns) - 1)), strict=True):
        table.add_column(column.heading, justify="right" if column.right else "left", overflow="fold", width=wide)
    for row in rows:
        table.add_row(*(_styled(row.get(column.member)) for column in columns), style=style(row))
    return table


def _records(
    columns: Sequence[Column], rows: Sequence[Row], width: int, title: str | None, style: Style
) -> Iterator[Text]:
    """What names a row on a line, and under it what else there is to say of it."""
    keys = [column for n, column in enumerate(columns) if n == 0 or column.key]
    others = [column for column in columns if column not in keys]
    heading = max((len(column.heading) for column in others), default=0)
    wrapper = TextWrapper(max(1, width - INDENT - heading - GAP), break_long_words=False, break_on_hyphens=False)
    if title is not None:
        yield _line(Text(title, style="italic"))
    for row in rows:
        yield _line(*(_styled(row.get(key.member), "bold") for key in keys if _tells(row.get(key.member))))
        for column in others:
            if not _tells(value := row.get(column.member)):
                continue
            for n, words in enumerate(line for text in _shown(value).splitlines() for line in wrapper.wrap(text)):
                name = f"{' ' * INDENT}{'' if n else column.heading:{heading}}"
                yield _line(Text(name, style="dim"), Text(words, style=style(row)))


def _line(*parts: Text) -> Text:
    line = Text(" " * GAP).join(parts)
    line.no_wrap, line.overflow = True, "ignore"
    return line


def _cells(column: Column, rows: Sequence[Row]) -> list[Any]:
    return [row.get(column.member) for row in rows]


def _tells(value: object) -> bool:
    """Whether a cell says anything that a reader would miss."""
    return value not in (None, "", 0, "unknown", "empty")


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _styled(value: object, style: str = "") -> Text:
    """A cell for rich, never read as its markup: what comes from a queue may hold anything."""
    shown = _shown(value)
    return Text(shown, style=STYLES.get(shown, style))


def _longest_word(text: str) -> int:
    return min(max(map(len, text.split()), default=0), LONGEST_WORD)


def _widths(texts: Texts, available: int) -> list[int]:
    """How wide to make columns of these texts: none tears a word. What is left goes to those that would be wider."""
    least = [max(map(_longest_word, column)) for column in texts]
    wanted = [
        max(max(len(line) for text in column for line in [*text.splitlines(), ""]), low)
        for column, low in zip(texts, least, strict=True)
    ]
    left, missing = max(0, available - sum(least)), sum(wanted) - sum(least)
    share = min(1.0, left / missing) if missing else 0.0
    return [low + int((most - low) * share) for low, most in zip(least, wanted, strict=True)]
