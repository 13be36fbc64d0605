"""A pace: so many things a second and no more, evenly."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pace:
    """`per_second` None is as fast as it goes. A pause is never made up for: no burst follows it."""

    def __init__(
        self,
        per_second: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._per_second = per_second
        self._clock = clock
        self._sleep = sleep
        self._next_at = clock()

    def portion(self, most: int) -> int:
        """How many to do at once, at most `most`: what is due within a quarter of a second, and at least one."""
        return most if self._per_second is None else max(1, min(most, int(self._per_second / 4)))

    def wait(self, count: int) -> None:
        """Wait until the next `count` may be done."""
        if self._per_second is None:
            return
        now = self._clock()
        if now < self._next_at:
            self._sleep(self._next_at - now)
        self._next_at = max(now, self._next_at) + count / self._per_second
