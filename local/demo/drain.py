"""Waiting until every delivery has an outcome and every queue is empty, or nothing moves any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

PATIENCE_SECONDS = 60.0  # twice the visibility timeout: a killed function's records come back before
_POLL_SECONDS = 0.25  # the engine shares the processors: a poll costs it about 10 ms
_FLUSH_AFTER_SECONDS = 0.5
_MAX_FLUSHES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What a drain looks at. `finished` and `missing` count deliveries, `depth` messages in queues.

    `flush` makes functions give up log lines that the engine holds back until their next invocation.
    """

    depth: Callable[[], int]
    look: Callable[[], None] = lambda: None
    publishing: Callable[[], bool] = lambda: False
    finished: Callable[[], int] = lambda: 0
    missing: Callable[[], int] = lambda: 0
    flush: Callable[[], None] = lambda: None


def drain(
    watch: Watch, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
) -> bool:
    """Wait. True when nothing is missing and the queues are empty; False when given up."""
    moved_at = clock()
    idle_since: float | None = None
    before: tuple[int, int] | None = None
    flushes = 0
    while True:
        watch.look()
        finished, publishing, missing = watch.finished(), watch.publishing(), watch.missing()
        settled = not publishing and missing == 0
        depth = watch.depth() if settled or (before is not None and finished == before[0]) else -1
        if settled and depth == 0:
            return True
        if (finished, depth) != before or publishing:
            before, moved_at = (finished, depth), clock()
        if publishing or depth != 0:
            idle_since = None
        elif idle_since is None:
            idle_since = clock()
        elif clock() - idle_since >= _FLUSH_AFTER_SECONDS:
            if flushes == _MAX_FLUSHES:
                return False
            watch.flush()
            flushes += 1
            idle_since = clock()
        if clock() - moved_at >= PATIENCE_SECONDS:
            return False
        sleep(_POLL_SECONDS)
