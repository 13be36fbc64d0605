"""Ctrl-C in the middle of a batch: it is finished, and then nothing more is begun. A second one ends it at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], Any]


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """While in this context, SIGINT and SIGTERM only make the yielded function say that it is time to stop."""
    asked: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    with _handling(note, signal.SIGINT, signal.SIGTERM):
        yield lambda: bool(asked)


def heard() -> Any:
    """A context in which the first Ctrl-C is heard: a question is asked, and nothing is under way."""
    return _handling(signal.default_int_handler, signal.SIGINT)


def left_to_others() -> Any:
    """A context in which Ctrl-C is for the program that has the terminal, such as an editor."""
    return _handling(lambda _number, _frame: None, signal.SIGINT)


@contextmanager
def _handling(handler: Handler, *numbers: signal.Signals) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
