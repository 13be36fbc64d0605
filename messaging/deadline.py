"""What an invocation may still begin before it is killed: no step without the time that one takes when it hangs."""

from __future__ import annotations

from collections.abc import Callable

from messaging.subscription import RESERVE_SECONDS

HasTime = Callable[[], bool]


def always() -> bool:
    """Time without end."""
    return True


class Deadline:
    """Counts time in steps: a call that hangs until its client gives up. `remaining_seconds` is the caller's.

    `share` steps are kept for what comes after the work that is going on: while it is 1, that work must leave time for
    a step of somebody else.
    """

    def __init__(self, remaining_seconds: Callable[[], float]) -> None:
        self._remaining_seconds = remaining_seconds
        self.share = 0

    def has_time(self) -> bool:
        """Whether a step of the work may be begun."""
        return self.has_time_for(1)

    def has_time_for(self, steps: float) -> bool:
        """Whether so many steps of the work would end in time, if all of them hang."""
        return self._remaining_seconds() > (steps + self.share) * RESERVE_SECONDS

    def has_time_to_close(self) -> bool:
        """Whether a step that puts things in order may be begun."""
        return self._remaining_seconds() > RESERVE_SECONDS
