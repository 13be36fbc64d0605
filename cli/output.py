"""What a command says: data on stdout, as a table, JSON, NDJSON or TSV; talk on stderr.

A person at a terminal gets a table, a pipe gets tab-separated values with a line of names; `-o` chooses another.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.console import Console

Format = Literal["table", "json", "ndjson", "tsv"]
FORMATS: tuple[Format, ...] = ("table", "json", "ndjson", "tsv")
Row = Mapping[str, Any]
GAP = 2  # blanks between columns, as rich pads them
LONGEST_WORD = 60  # what is longer, such as an ARN, may be broken in a narrow table


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: the row's member, its heading for people, and how it is aligned."""

    member: str
    heading: str
    right: bool = False


class Output:
    """Where one command writes. `format` None: what suits where stdout goes."""

    def __init__(self, format: Format | None, *, stdout: IO[str] | None = None, stderr: IO[str] | None = None) -> None:  # noqa: A002 - what -o is called
        self._stdout = stdout or sys.stdout
        self._stderr = stderr or sys.stderr
        self.format: Format = format or ("table" if self._stdout.isatty() else "tsv")

    @property
    def for_people(self) -> bool:
        """Whether stdout is read by a person, so that words around the data help."""
        return self.format == "table"

    def rows(self, columns: Sequence[Column], rows: Iterable[Row], *, title: str | None = None) -> None:
        """Rows with the members that `columns` name. JSON gets all of each row's members.

        NDJSON and TSV are written row by row, as they come.
        """
        if self.format == "json":
            self._write(json.dumps([dict(row) for row in rows], indent=2, default=str))
        elif self.format == "ndjson":
            for row in rows:
                self._write(json.dumps(dict(row), default=str))
        elif self.format == "tsv":
            self._write("\t".join(column.member for column in columns))
            for row in rows:
                self._write("\t".join(_cell(row.get(column.member)) for column in columns))
        else:
            self._table(columns, rows, title)

    def document(self, document: Mapping[str, Any], text: str) -> None:
        """One thing: `document` for programs, `text` for people (and for pipes, where it is not JSON)."""
        if self.format == "json":
            self._write(json.dumps(document, indent=2, default=str))
        elif self.format == "ndjson":
            self._write(json.dumps(document, default=str))
        else:
            self._write(text)

    def say(self, line: str) -> None:
        """Talk, which is not data: to stderr."""
        self._stderr.write(f"{line}\n")
        self._stderr.flush()

    def console(self) -> Console:
        """A rich console on stdout; NO_COLOR and pipes take the colours away."""
        from rich.console import Console

        return Console(file=self._stdout, highlight=False, soft_wrap=False, width=_width(self._stdout))

    def talk(self) -> Console:
        """A rich console on stderr, for progress."""
        from rich.console import Console

        return Console(file=self._stderr, highlight=False)

    def _table(self, columns: Sequence[Column], rows: Iterable[Row], title: str | None) -> None:
        from rich.table import Table
        from rich.text import Text

        lines = [[_styled(row.get(column.member), Text) for column in columns] for row in rows]
        console = self.console()
        texts = [[column.heading, *(line[n].plain for line in lines)] for n, column in enumerate(columns)]
        widths = _widths(texts, console.width - GAP * (len(columns) - 1))
        # A terminal that is too narrow breaks lines by itself.
        console.width = max(console.width, sum(widths) + GAP * (len(columns) - 1))
        table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
        for column, width in zip(columns, widths, strict=True):
            table.add_column(column.heading, justify="right" if column.right else "left", overflow="fold", width=width)
        for line in lines:
            table.add_row(*line)
        console.print(table)

    def _write(self, line: str) -> None:
        self._stdout.write(f"{line}\n")
        self._stdout.flush()


def _cell(value: object) -> str:
    """One value in TSV: no tab and no line break is in it."""
    if isinstance(value, (dict, list, tuple)):
        text = json.dumps(value, default=str)
    else:
        text = "" if value is None else str(value)
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


# What a tired person must see first.
_STYLES = {"ALARM": "bold red", "failed": "red", "dead_lettered": "red", "missing": "red", "OK": "green", "ok": "green"}


def _styled(value: object, text: Any) -> Any:
    """A cell for rich, never read as its markup: what comes from a queue may hold anything."""
    shown = (
        "" if value is None else f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    )
    return text(shown, style=_STYLES.get(shown, ""))


def _widths(texts: Sequence[Sequence[str]], available: int) -> list[int]:
    """How wide to make columns of these texts: none tears a word, for torn ids can be neither read nor copied. What is
    left goes to those that would be wider."""
    least = [
        min(max((len(word) for text in column for word in text.split()), default=0), LONGEST_WORD) for column in texts
    ]
    wanted = [
        max(max(len(line) for text in column for line in [*text.splitlines(), ""]), low)
        for column, low in zip(texts, least, strict=True)
    ]
    left, missing = max(0, available - sum(least)), sum(wanted) - sum(least)
    share = min(1.0, left / missing) if missing else 0.0
    return [low + int((most - low) * share) for low, most in zip(least, wanted, strict=True)]


def _width(stream: IO[str]) -> int | None:
    """None lets rich ask the terminal; a table in a file is not folded at 80 columns."""
    return None if stream.isatty() else 200
