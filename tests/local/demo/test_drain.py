"""Waiting: until all is accounted for, or nothing moves any more."""

from __future__ import annotations

from collections.abc import Callable

from local.demo.drain import PATIENCE_SECONDS, Watch, drain


class Clock:
    """Time passes only in sleep; `events` happen at their time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events: list[tuple[float, Callable[[], None]]] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for event in [event for event in self.events if event[0] <= self.now]:
            self.events.remove(event)
            event[1]()


class World:
    """Numbers that a test moves."""

    def __init__(self) -> None:
        self.publishing = False
        self.finished = 0
        self.missing = 0
        self.depth = 0
        self.flushes = 0
        self.clock = Clock()
        self.on_flush: Callable[[], None] = lambda: None

    def at(self, seconds: float, **changes: int) -> None:
        self.clock.events.append((seconds, lambda: self.__dict__.update(changes)))

    def drain(self) -> bool:
        watch = Watch(
            depth=lambda: self.depth,
            publishing=lambda: self.publishing,
            finished=lambda: self.finished,
            missing=lambda: self.missing,
            flush=self._flush,
        )
        return drain(watch, clock=self.clock, sleep=self.clock.sleep)

    def _flush(self) -> None:
        self.flushes += 1
        self.on_flush()


def test_nothing_to_wait_for_ends_at_once() -> None:
    """Empty queues and no expectation need no time."""
    world = World()

    assert world.drain()
    assert world.clock.now == 0


def test_it_waits_for_publishing_then_outcomes_then_empty_queues() -> None:
    """All three must be there together."""
    world = World()
    world.publishing, world.missing, world.depth = True, 0, 1
    world.at(1, publishing=False, missing=5, depth=5)
    world.at(2, missing=0, finished=5)
    world.at(3, depth=0)

    assert world.drain()
    assert 3 <= world.clock.now < 3.5
    assert world.flushes == 0


def test_it_goes_on_while_anything_moves() -> None:
    """Slow is not stuck: each new outcome renews its patience."""
    world = World()
    world.missing, world.depth = 4, 4
    for step in range(1, 5):
        world.at(step * (PATIENCE_SECONDS - 5), missing=4 - step, finished=step, depth=4 - step)

    assert world.drain()
    assert world.clock.now > 3 * PATIENCE_SECONDS


def test_it_gives_up_when_nothing_moves() -> None:
    """A queue that does not empty is not waited for forever."""
    world = World()
    world.missing, world.depth = 1, 1

    assert not world.drain()
    assert PATIENCE_SECONDS <= world.clock.now < PATIENCE_SECONDS + 5


def test_lines_that_the_engine_holds_back_are_flushed_out_of_it() -> None:
    """Queues are empty and an outcome is missing: its line comes with the function's next invocation."""
    world = World()
    world.missing = 1
    world.on_flush = lambda: world.__dict__.update(missing=0, finished=1)

    assert world.drain()
    assert world.flushes == 1
    assert world.clock.now < 2


def test_what_flushing_does_not_bring_is_given_up_soon() -> None:
    """With empty queues nothing will come any more: no minute is spent on it."""
    world = World()
    world.missing = 1

    assert not world.drain()
    assert world.flushes == 3
    assert world.clock.now < 5
