"""What happened in a world, line by line: a hash of all of it, and the lines that are about what somebody follows."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable

_BUFFERED_LINES = 1024


class Trace:
    """Two runs with the same hash were the same run. `follow` are ids (of events, messages) whose lines are kept.

    What is linked to something followed is followed too, so an event's id is enough: the messages that name it, and the
    invocations that got them, come with it.
    """

    def __init__(self, clock: Callable[[], float], *, follow: Iterable[str] = ()) -> None:
        self.lines: list[str] = []
        self._clock = clock
        self._started_at = clock()
        self._followed = dict.fromkeys(follow)
        self._names = re.compile("|".join(rf"(?<![\w-]){re.escape(name)}(?![\w-])" for name in self._followed))
        self._digest = hashlib.sha256()
        self._buffer: list[str] = []

    def note(self, who: str, what: str) -> None:
        """`who` is the id of an event, a message or an invocation; `what` must be the same in every run of the seed."""
        self._buffer.append(f"{self._clock()!r} {who} {what}\n")
        if len(self._buffer) == _BUFFERED_LINES:
            self._flush()
        if self._followed and who in self._followed:
            self.lines.append(f"{self._clock() - self._started_at:12.3f} s  {who}  {what}")

    def link(self, child: str, parent: str) -> None:
        """From now on, what is told of `child` is also about `parent`."""
        if self._followed and parent in self._followed:
            self._followed[child] = None

    def link_by_text(self, child: str, text: str) -> None:
        """From now on, what is told of `child` is also about what its text names of `follow`."""
        if self._followed and self._names.search(text):
            self._followed[child] = None

    def hash(self) -> str:
        """Of all lines so far."""
        self._flush()
        return self._digest.hexdigest()

    def _flush(self) -> None:
        self._digest.update("".join(self._buffer).encode("utf-8", "surrogatepass"))
        self._buffer.clear()
