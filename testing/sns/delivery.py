"""What may become of one attempt to deliver a message, and when SNS tries again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import TYPE_CHECKING

from testing.sns.message import Message

if TYPE_CHECKING:
    from testing.sns.subscription import Subscription

DEFAULT_LATENCY_SECONDS = 0.020


class Outcome(Enum):
    """How an attempt ends."""

    ARRIVES = "arrives"
    ARRIVES_TWICE = "arrives twice"  # at a standard queue only
    FAILS_FOR_NOW = "fails for now"  # a server error, such as SQS out of reach: tried again
    FAILS_FOR_GOOD = "fails for good"  # a client error, such as a deleted queue or a revoked key: not tried again


@dataclass(frozen=True, slots=True)
class Fate:
    """One attempt: how long it takes and how it ends. The copy of ARRIVES_TWICE comes `copy_seconds` after the first.

    The latency counts from the publication; for a message that had to wait for another one of its group, too.
    """

    latency_seconds: float = DEFAULT_LATENCY_SECONDS
    outcome: Outcome = Outcome.ARRIVES
    copy_seconds: float = 0.0


# Asked when an attempt begins, of every attempt anew: so an outage ends when the callable says so.
Delivery = Callable[["Subscription", Message], Fate]

_ARRIVES = Fate()


def arrives(_: Subscription, __: Message) -> Fate:
    """The fate of all messages where nobody says otherwise."""
    return _ARRIVES


# Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html, of AWS-managed endpoints: 3 times
# at once, 2 times 1 s apart, 10 times with exponential backoff from 1 s to 20 s, 100,000 times 20 s apart.
MAX_FAILURES = 100_015
_PAUSES_SECONDS = (0.0, 0.0, 0.0, 1.0, 1.0, *(20.0 ** (step / 9) for step in range(10)))
_LAST_PAUSE_SECONDS = 20.0


def pause_seconds(failures: int, random: Random) -> float:
    """How long SNS waits after so many server errors in a row, with jitter: half of it is chance.

    That there is jitter is documented, how much is not.
    """
    pause = _PAUSES_SECONDS[failures - 1] if failures <= len(_PAUSES_SECONDS) else _LAST_PAUSE_SECONDS
    return random.uniform(pause / 2, pause) if pause else 0.0
