"""A run while it goes on, for people, on standard error: bars on a terminal, a few lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO

from local.demo.accounting import Ledger

_LINE_EVERY_SECONDS = 5.0


class Progress(Protocol):
    """What a run tells while it goes on."""

    def note(self, text: str) -> None:
        """Say one thing."""
        ...

    def update(self, ledger: Ledger) -> None:
        """Show how far each subscription is."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


def open_progress(stream: TextIO | None = None) -> Progress:
    """Bars where the stream is a terminal, otherwise lines."""
    stream = stream or sys.stderr
    return Bars(stream) if stream.isatty() else Lines(stream)


class Lines:
    """One line every few seconds."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._said_at = clock()

    def note(self, text: str) -> None:
        """Say one thing."""
        print(text, file=self._stream, flush=True)

    def update(self, ledger: Ledger) -> None:
        """Say how far each subscription is, not too often."""
        if self._clock() - self._said_at < _LINE_EVERY_SECONDS:
            return
        self._said_at = self._clock()
        self.note(", ".join(f"{name} {ledger.finished(name)}/{_known(ledger, name)}" for name in ledger.consumers))

    def close(self) -> None:
        """Nothing to restore."""


class Bars:
    """One bar a subscription. Rich is imported once orders are on their way: it would hold the first ones up."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._print = self._print_plainly
        self._show: Callable[[Ledger], None] | None = None
        self._stop: Callable[[], None] = lambda: None

    def note(self, text: str) -> None:
        """Say one thing, above the bars."""
        self._print(text)

    def update(self, ledger: Ledger) -> None:
        """Move the bars."""
        if self._show is None:
            self._show = self._start(ledger)
        self._show(ledger)

    def close(self) -> None:
        """Leave the bars where they are and show the cursor."""
        self._stop()

    def _print_plainly(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def _start(self, ledger: Ledger) -> Callable[[Ledger], None]:
        from rich.console import Console  # with the next line 100 ms
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(file=self._stream)
        bars = Progress(
            TextColumn("{task.description:<16}"),
            BarColumn(bar_width=48),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        tasks = {name: bars.add_task(name, total=None) for name in ledger.consumers}

        def show(now: Ledger) -> None:
            for name, task in tasks.items():
                bars.update(task, completed=now.finished(name), total=max(_known(now, name), 1))

        bars.start()
        self._stop = bars.stop
        self._print = lambda text: console.print(text, style="dim", markup=False, highlight=False)
        return show


def _known(ledger: Ledger, consumer: str) -> int:
    """How many deliveries there will be as far as is known: consumers may be faster than the publisher's answers."""
    return max(ledger.expected(consumer), ledger.finished(consumer))
