"""Botocore's retries without its wall clock and its chance: it decides whether, somebody else waits."""

from __future__ import annotations

import random as everybodys
from collections.abc import Callable
from random import Random
from typing import Any

from botocore.hooks import first_non_none_response

NEEDS_RETRY = "needs-retry."


class Retries:
    """Stands before the events of one client's endpoint, which asks there whether to try again, and after how long.

    The answer is botocore's, with its jitter out of `random`. The pause is spent in `sleep`; the endpoint, which would
    call `time.sleep`, hears of a pause of nothing.
    """

    def __init__(self, events: Any, sleep: Callable[[float], None], random: Random) -> None:
        self._events = events
        self._sleep = sleep
        self._random = random

    def emit(self, event_name: str, **kwargs: Any) -> Any:
        """Pass an event on."""
        if not event_name.startswith(NEEDS_RETRY) or _went_well(kwargs["response"]):
            return self._events.emit(event_name, **kwargs)
        state = everybodys.getstate()
        everybodys.seed(self._random.getrandbits(64))
        try:
            answers = self._events.emit(event_name, **kwargs)
        finally:
            everybodys.setstate(state)
        pause = first_non_none_response(answers)
        if pause is None or pause is False:
            return answers
        self._sleep(pause)
        return [(self.emit, 0)]


def _went_well(response: Any) -> bool:
    """`response` is the reply and what was read in it, None where there was none."""
    return response is not None and response[0].status_code < 300
