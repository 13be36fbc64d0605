"""What becomes of each attempt of the topic to deliver a message to a queue."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Protocol

from testing import sns
from testing.faults import Fault, Options

_ARRIVES = sns.Fate()
_FAILS_FOR_NOW = sns.Fate(outcome=sns.Outcome.FAILS_FOR_NOW)
_FAILS_FOR_GOOD = sns.Fate(outcome=sns.Outcome.FAILS_FOR_GOOD)
_TO_FIFO: Options = (Fault.DELIVERY_FAILS, Fault.KEY_REVOKED)
_TO_STANDARD: Options = (Fault.COPIED, *_TO_FIFO)
LONGEST_COPY_SECONDS = 90.0


class Surroundings(Protocol):
    """What deliveries need of their world."""

    def fault(self, place: str, options: Options) -> Fault | None:
        """What goes wrong now, of what may."""
        ...

    def is_out(self, service: str) -> bool:
        """Whether the service has an outage."""
        ...


def deliveries(world: Surroundings, random: Random) -> Callable[[sns.Subscription, object], sns.Fate]:
    """What `Sns` asks. The place of a delivery is `topic` and the consumer's name; while SQS is out, all fail."""

    def deliver(subscription: sns.Subscription, _: object) -> sns.Fate:
        fault = world.fault(f"topic {subscription.name}", _TO_FIFO if subscription.queue.fifo else _TO_STANDARD)
        if fault is Fault.COPIED:
            return sns.Fate(outcome=sns.Outcome.ARRIVES_TWICE, copy_seconds=LONGEST_COPY_SECONDS * random.random())
        if fault is Fault.KEY_REVOKED:
            return _FAILS_FOR_GOOD
        return _FAILS_FOR_NOW if fault is Fault.DELIVERY_FAILS or world.is_out("sqs") else _ARRIVES

    return deliver
