"""A consumer's own code with something going wrong before it: a bug that passes, a hang, death; or always, by event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from messaging.effects import External, Transactional
from messaging.errors import Poison
from testing.faults import Fault, Options
from testing.functions.process import Process, Surroundings

_OF_CODE: Options = (Fault.DIES_IN_FUNCTION, Fault.EXCEPTION, Fault.HANGS)


class PassingBug(Exception):
    """A consumer's function failed, and will not the next time."""


class Disturbance:
    """What goes wrong in the functions of one world. Events in `killers` kill every function that gets them, those in
    `unprocessable` are poison to all of them, and those in `stubborn` fail so often in each."""

    def __init__(self, world: Surroundings) -> None:
        self.killers: set[str] = set()
        self.unprocessable: set[str] = set()
        self.stubborn: dict[str, int] = {}
        self._failures: Counter[tuple[str, str]] = Counter()
        self._world = world

    def strike(self, process: Process, event_id: str) -> None:
        """Called before a consumer's code for an event. Raises what goes wrong, if anything does."""
        if event_id in self.killers:
            process.die(f"killed by event {event_id}")
        if event_id in self.unprocessable:
            raise Poison(f"event {event_id!r} can't be processed")
        if event_id in self.stubborn and self._failures[process.name, event_id] < self.stubborn[event_id]:
            self._failures[process.name, event_id] += 1
            raise PassingBug("it fails a few times")
        fault = self._world.fault(f"{process.name} function", _OF_CODE)
        if fault is None:
            return
        self._world.trace.note(process.doing, f"at event {event_id}: {fault.value}")
        if fault is Fault.DIES_IN_FUNCTION:
            process.die("in the consumer's code")
        if fault is Fault.HANGS:
            process.sleep(float("inf"))
        raise PassingBug("as injected")

    def heal(self) -> None:
        """New code: no event is poison, kills or fails any more."""
        self.killers.clear()
        self.unprocessable.clear()
        self.stubborn.clear()

    def around(self, effects: Transactional | External) -> Transactional | External:
        """The same effects, each function behind a strike."""
        if isinstance(effects, Transactional):
            return replace(effects, functions={event: self._behind(each) for event, each in effects.functions.items()})
        return replace(effects, calls={event: self._behind(each) for event, each in effects.calls.items()})

    def _behind(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def struck(message: Any, rest: Any) -> Any:
            self.strike(Process.current(), message.id)
            return function(message, rest)

        return struck
