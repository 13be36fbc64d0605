"""What a command says: data on stdout, as a table, JSON, NDJSON or TSV; talk on stderr.

A person at a terminal gets a table, a pipe gets tab-separated values with a line of names; `-o` chooses another.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.console import Console

Format = Literal["table", "json", "ndjson", "tsv"]
FORMATS: tuple[Format, ...] = ("table", "json", "ndjson", "tsv")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: the row's member, its heading for people, and how it is aligned. `key`: with the first
    column it names its row."""

    member: str
    heading: str
    right: bool = False
    key: bool = False


class Output:
    """Where one command writes. `format` None: what suits where stdout goes."""

    def __init__(self, format: Format | None, *, stdout: IO[str] | None = None, stderr: IO[str] | None = None) -> None:  # noqa: A002 - what -o is called
        self._stdout = stdout or sys.stdout
        self._stderr = stderr or sys.stderr
        self._live: Console | None = None
        self.format: Format = format or ("table" if self._stdout.isatty() else "tsv")

    @property
    def for_people(self) -> bool:
        """Whether stdout is read by a person, so that words around the data help."""
        return self.format == "table"

    @property
    def streams_to_terminal(self) -> bool:
        """Whether lines of data come to a terminal one by one."""
        return not self.for_people and self._stdout.isatty()

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
            from cli.table import draw

            draw(self.console(), columns, [*rows], title=title)

    def document(self, document: Mapping[str, Any], text: str, *, prose: bool = False) -> None:
        """One thing: `document` for programs, `text` for people (and for pipes, where it is not JSON). `prose` is
        broken between words where a terminal is narrow."""
        if self.format == "json":
            self._write(json.dumps(document, indent=2, default=str))
        elif self.format == "ndjson":
            self._write(json.dumps(document, default=str))
        elif prose and self._stdout.isatty():
            width = self.console().width
            self._write("\n".join(_filled(line, width) for line in text.splitlines()))
        else:
            self._write(text)

    def say(self, line: str) -> None:
        """Talk, which is not data: to stderr, above a bar that moves there."""
        if self._live is not None:
            self._live.print(line, markup=False, soft_wrap=True)
            return
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

    @contextmanager
    def live(self, console: Console) -> Iterator[None]:
        """While something moves on this console, which is on stderr."""
        self._live = console
        try:
            yield
        finally:
            self._live = None

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


def _filled(line: str, width: int) -> str:
    """A line in lines so wide, the later ones indented further. What is longer, such as an ARN, is not torn."""
    words = line.lstrip()
    indent = " " * (len(line) - len(words))
    wrapper = textwrap.TextWrapper(width, initial_indent=indent, subsequent_indent=f"{indent}    ")
    wrapper.break_long_words = wrapper.break_on_hyphens = False
    return wrapper.fill(words)


def _width(stream: IO[str]) -> int | None:
    """None lets rich ask the terminal; a table in a file is not folded at 80 columns."""
    return None if stream.isatty() else 200
