"""Virtual time and tasks: what waits is resumed in the order of its time, and nothing else ever happens.

A task is ordinary, synchronous code on a greenlet of its own. It runs until it sleeps; so between two sleeps nobody
else runs, and the same seed gives the same run.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from itertools import count

from greenlet import getcurrent, greenlet

# 21 September 2026, 14:13:20 UTC: any whole number would do.
STARTS_AT = 1_790_000_000.0


class Timer:
    """Something that will happen at a time, unless it is cancelled before."""

    __slots__ = ("action",)

    def __init__(self, action: Callable[[], object]) -> None:
        self.action: Callable[[], object] | None = action

    def cancel(self) -> None:
        """Let it not happen. No harm where it has happened already."""
        self.action = None


class Scheduler:
    """The clock of one world, and what waits for it. `random` is the only source of chance that a world may use."""

    def __init__(self, seed: int = 0, *, starts_at: float = STARTS_AT) -> None:
        self.now = starts_at
        self.random = random.Random(seed)
        self._waiting: list[tuple[float, int, Timer]] = []
        self._numbers = count()
        self._hub: greenlet | None = None
        self._until = float("inf")

    def time(self) -> float:
        """Epoch seconds now, for whoever wants a clock."""
        return self.now

    def new_id(self) -> str:
        """An id as `uuid4().hex` gives it, from the seed."""
        return f"{self.random.getrandbits(128):032x}"

    def at(self, when: float, action: Callable[[], object]) -> Timer:
        """Call `action` at `when`, epoch seconds; what is past happens now, after what waits for now already."""
        timer = Timer(action)
        heapq.heappush(self._waiting, (max(when, self.now), next(self._numbers), timer))
        return timer

    def after(self, seconds: float, action: Callable[[], object]) -> Timer:
        """Call `action` in so many seconds."""
        return self.at(self.now + seconds, action)

    def spawn(self, function: Callable[[], object]) -> None:
        """Run `function` as a task, from now on. What it raises ends `run`."""
        self.at(self.now, lambda: greenlet(function, parent=self._hub).switch())

    def sleep(self, seconds: float) -> None:
        """Let the current task wait. Outside of a task it is the whole world that goes on for so long; an action can't
        wait."""
        if self._hub is None:
            self.run(self.now + seconds)
            return
        task = getcurrent()
        assert task is not self._hub, "an action can't sleep: spawn a task"
        wakes_at = self.now + max(0.0, seconds)
        if wakes_at <= self._until and (not self._waiting or self._waiting[0][0] > wakes_at):
            self.now = wakes_at  # nobody comes before
            return
        heapq.heappush(self._waiting, (wakes_at, next(self._numbers), Timer(task.switch)))
        self._hub.switch()

    def run(self, until: float = float("inf")) -> None:
        """Let time go on until nothing waits, or it is `until`. Raises what a task raises."""
        assert self._hub is None, "the scheduler runs already"
        self._hub, self._until = getcurrent(), until
        try:
            while self._waiting and self._waiting[0][0] <= until:
                when, _, timer = heapq.heappop(self._waiting)
                if timer.action is not None:
                    self.now = when
                    timer.action()
        finally:
            self._hub = None
        if until != float("inf"):
            self.now = max(self.now, until)
