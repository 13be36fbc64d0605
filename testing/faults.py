"""What may go wrong, by name, and plans that choose where it does."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Protocol


class Fault(enum.Enum):
    """One thing that goes wrong. The values are the names by which tests ask for them."""

    # A call of a function, a producer or an operator to a service.
    DIES_BEFORE_CALL = "dies_before_call"  # the request never leaves
    DIES_AFTER_CALL = "dies_after_call"  # it was carried out, and nobody knows
    LANDS_AFTER_DEATH = "lands_after_death"  # it is carried out some time after its sender's death
    LOST_REQUEST = "lost_request"  # the client waits in vain
    LOST_REPLY = "lost_reply"  # it was carried out, and the client waits in vain
    LANDS_LATE = "lands_late"  # it is carried out long after the client has given up
    SLOW = "slow"  # an answer just before the client gives up
    THROTTLED = "throttled"
    SERVER_ERROR = "server_error"
    CONFLICT = "conflict"  # another transaction has one of the items
    REASONS_IN_PART = "reasons_in_part"  # of a cancelled transaction's reasons only one is named
    UNPROCESSED = "unprocessed"  # a part of a batch is left undone, in an answer without error
    # A consumer's own code.
    DIES_IN_FUNCTION = "dies_in_function"  # out of memory, say
    EXCEPTION = "exception"  # a bug that passes
    HANGS = "hangs"  # until Lambda's time-out
    # An invocation.
    INVOCATION_THROTTLED = "invocation_throttled"
    KILLED_LATE = "killed_late"  # Lambda's time-out strikes most of a second late
    CLOCK_SKEW = "clock_skew"  # a sandbox whose clock is wrong by up to a minute
    ACKNOWLEDGEMENT_LOST = "acknowledgement_lost"  # what was done is not deleted from the queue
    DELIVERED_AGAIN = "delivered_again"  # a standard queue gives out a message once more
    # A delivery from the topic to a queue.
    COPIED = "copied"  # a standard queue gets it twice
    DELIVERY_FAILS = "delivery_fails"  # for now
    KEY_REVOKED = "key_revoked"  # for good: to the subscription's dead-letter queue
    # A producer.
    PUBLISHED_AGAIN = "published_again"  # within five minutes
    RESENT_LATE = "resent_late"  # after the topic has forgotten its deduplication id
    # A table's stream.
    STREAM_RECORDS_LOST = "stream_records_lost"


# Whole services, whole queues: these are no points of a call, and a scenario brings them about.
Options = tuple[Fault, ...]


class Plan(Protocol):
    """Decides at each place where something may go wrong."""

    def choose(self, place: str, options: Options) -> Fault | None:
        """What goes wrong now, of what may. `place` names who does what, such as `inventory dynamodb.get_item`."""
        ...


class NoFaults:
    """Nothing goes wrong."""

    def choose(self, place: str, options: Options) -> Fault | None:
        """None."""
        del place, options
        return None


class RandomFaults:
    """Each fault with its own rate, until `ceases_at` (epoch seconds)."""

    def __init__(
        self,
        rates: Mapping[Fault, float],
        random: Random,
        *,
        clock: Callable[[], float],
        ceases_at: float = float("inf"),
    ) -> None:
        self._rates = rates
        self._random = random
        self._clock = clock
        self._cumulative: dict[Options, list[tuple[float, Fault]]] = {}
        self.ceases_at = ceases_at

    def choose(self, place: str, options: Options) -> Fault | None:
        """By chance."""
        del place
        cumulative = self._cumulative.get(options)
        if cumulative is None:
            cumulative = self._cumulative[options] = _cumulated(self._rates, options)
        drawn = self._random.random()
        if not cumulative or drawn >= cumulative[-1][0] or self._clock() >= self.ceases_at:
            return None
        return next(fault for limit, fault in cumulative if drawn < limit)


def _cumulated(rates: Mapping[Fault, float], options: Options) -> list[tuple[float, Fault]]:
    limits, limit = [], 0.0
    for fault in options:
        limit += rates.get(fault, 0.0)
        limits.append((limit, fault))
    return limits


class PlacedFaults:
    """Chosen faults at chosen opportunities, counted from 0 over the whole run; `seen` tells what there was.

    `spared`: places whose name begins so are no opportunities.
    """

    def __init__(self, placed: Mapping[int, Fault], *, spared: tuple[str, ...] = ()) -> None:
        self._placed = placed
        self._spared = spared
        self.seen: list[tuple[str, Options]] = []

    def choose(self, place: str, options: Options) -> Fault | None:
        """What was placed here, where it can happen here."""
        if place.startswith(self._spared):
            return None
        fault = self._placed.get(len(self.seen))
        self.seen.append((place, options))
        return fault if fault in options else None


class InjectedFaults:
    """Faults asked for by name: each once, at the next place that holds a text."""

    def __init__(self) -> None:
        self._wanted: list[tuple[Fault, str, int]] = []

    def inject(self, name: str, *, at: str = "", times: int = 1) -> None:
        """The fault of that name, at places whose name holds `at`. Raises ValueError for a name that no fault has."""
        self._wanted.append((Fault(name), at, times))

    def choose(self, place: str, options: Options) -> Fault | None:
        """The first one wanted that fits."""
        for number, (fault, at, times) in enumerate(self._wanted):
            if fault in options and at in place:
                self._wanted[number : number + 1] = [(fault, at, times - 1)] if times > 1 else []
                return fault
        return None

    @property
    def left(self) -> Counter[str]:
        """What was asked for and has not happened (yet), by name."""
        return Counter({fault.value: times for fault, _, times in self._wanted})
