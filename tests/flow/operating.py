"""How flow tests run the operator's command, and what it leaves behind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

HERE = Path(__file__).parent
EDITOR = f"{sys.executable} {HERE / 'mending_editor.py'}"
HASTY = str(HERE / "hasty_waybill.py")


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    exit_code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Its JSON."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Its NDJSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def piped(self) -> list[dict[str, str]]:
        """Its TSV."""
        names, *rows = (line.split("\t") for line in self.out.splitlines())
        return [dict(zip(names, row, strict=True)) for row in rows]


class Waybill(Protocol):
    """Runs a command to its end; fails where it ends otherwise than with `exit_code`, where that is given."""

    def __call__(self, *arguments: str, exit_code: int | None = None) -> Said: ...


Start = Callable[..., subprocess.Popen[str]]


def in_every_format(
    waybill: Waybill, *arguments: str, named: str | None = None, exit_code: int = 0
) -> list[dict[str, Any]]:
    """A command's rows, which are the same as a table, as JSON, as lines of it, and piped. They are known by the first
    column, or by that which is `named`."""
    rows: list[dict[str, Any]] = waybill(*arguments, "-o", "json", exit_code=exit_code).data
    assert rows, f"{arguments}: nothing to compare"
    lines = waybill(*arguments, "-o", "ndjson", exit_code=exit_code).lines
    piped = waybill(*arguments, exit_code=exit_code).piped
    table = waybill(*arguments, "-o", "table", exit_code=exit_code).out
    column = named or next(iter(piped[0]))
    names = [str(row[column]) for row in rows]
    assert [str(line[column]) for line in lines] == names
    assert [row[column] for row in piped] == names
    assert all(name in table for name in names)
    return rows


def document_in_every_format(waybill: Waybill, *arguments: str) -> dict[str, Any]:
    """The same of a command that tells of one thing: text for people and pipes."""
    document: dict[str, Any] = waybill(*arguments, "-o", "json", exit_code=0).data
    assert waybill(*arguments, "-o", "ndjson", exit_code=0).lines == [document]
    assert waybill(*arguments, exit_code=0).out == waybill(*arguments, "-o", "table", exit_code=0).out != ""
    return document
