"""What an invocation may still begin before it is killed: no step without the time that one takes when it hangs."""

from __future__ import annotations

from collections.abc import Callable

from messaging.topology import RESERVE_SECONDS


class Deadline:
    """Counts time in steps: a call that hangs until its client gives up. `remaining_seconds` is the caller's."""

    def __init__(self, remaining_seconds: Callable[[], float]) -> None:
        self._remaining_seconds = remaining_seconds
        # How many steps must be possible for one to be begun: more than itself where something has to be put in order
        # after it.
        self.steps_in_reserve = 1

    def has_time(self) -> bool:
        """Whether a step of the work may be begun."""
        return self.has_time_for(self.steps_in_reserve)

    def has_time_for(self, steps: int) -> bool:
        """Whether so many steps would end in time, if all of them hang."""
        return self._remaining_seconds() > steps * RESERVE_SECONDS

    def has_time_to_close(self) -> bool:
        """Whether a step that puts things in order may be begun."""
        return self.has_time_for(1)
