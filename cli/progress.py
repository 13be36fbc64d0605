"""How far long work is, on stderr: a bar at a terminal, else a line every few seconds, with rate and time left.

Where the data stream to the same terminal there is no bar: it would be torn.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING

from cli.output import Output
from cli.times import age

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

LINE_EVERY_SECONDS = 5.0


class Progress:
    """Use as a context manager and `advance` it; its bar is gone at the end, so a table belongs after that. Work that
    is done before the first line is due says nothing."""

    def __init__(self, output: Output, what: str, total: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._output = output
        self._what = what
        self._total = total
        self._clock = clock
        self._done = 0
        self._began_at = self._said_at = clock()
        self._console = output.talk()
        shown = self._console.is_terminal and not output.streams_to_terminal
        self._bar = _bar(self._console) if shown else None
        self._moving = ExitStack()

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._moving.enter_context(self._bar)
            self._moving.enter_context(self._output.live(self._console))
            self._task = self._bar.add_task(self._what, total=self._total, rate="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._moving.close()

    def advance(self, count: int) -> None:
        """So many more are done."""
        self._done += count
        now = self._clock()
        if self._bar is not None:
            seconds = now - self._began_at
            rate = f"{self._done / seconds:,.0f}/s" if seconds >= 1 else ""
            self._bar.update(self._task, completed=self._done, rate=rate)
        elif now - self._said_at >= LINE_EVERY_SECONDS:
            self._said_at = now
            self._output.say(self._line(now - self._began_at))

    def _line(self, seconds: float) -> str:
        rate = self._done / seconds
        left = f", {age((self._total - self._done) / rate)} left" if 0 < self._done < self._total else ""
        return f"{self._what}: {self._done:,} of {self._total:,}, {rate:,.0f}/s{left}"


def _bar(console: Console) -> Bar:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    return Bar(*columns, console=console, transient=True)
