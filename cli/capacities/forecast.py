"""Second by second, what a queue holds and how long its messages wait.

A queue is a bathtub: orders run in, batches run out, as many at once as Lambda's poller has come to. A FIFO queue has
a second, smaller one in it: the busiest message group, of which one batch at a time is worked on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cli.capacities.load import Load
from cli.capacities.quotas import FIRST_BATCHES, MORE_BATCHES_PER_SECOND, TOPIC
from cli.costs.effects import cost_of
from messaging.subscription import HOUR_SECONDS, Subscription
from messaging.topic import Topic

LONGEST_SECONDS = 6 * HOUR_SECONDS
DRAINED = 0.5  # of a message


@dataclass(frozen=True, slots=True)
class Moment:
    """A queue at the end of a second. `lag_seconds`: how long a message that comes now would wait."""

    second: int
    backlog: float
    lag_seconds: float
    batches: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a load does to one subscription. `drained_after_seconds` None: not within the time looked at.

    `expired` are messages that wait for longer than their subscription accepts, and become dead letters.
    """

    row: Subscription
    moments: Sequence[Moment]
    arriving_per_second: float
    most_per_second: float
    drained_after_seconds: int | None
    bound_by: str
    needed_batches: int
    expired: float

    @property
    def peak_backlog(self) -> float:
        """The most messages that wait at once."""
        return max(moment.backlog for moment in self.moments)

    @property
    def longest_lag_seconds(self) -> float:
        """The longest that a message waits."""
        return max(moment.lag_seconds for moment in self.moments)


def forecast(row: Subscription, topic: Topic, load: Load, *, seconds: int | None = None) -> Forecast:
    """Go through a load second by second, for `seconds`, or until the backlog is gone (six hours at most)."""
    tub = _Tub.of(row, load)
    arriving = load.messages_per_second(row, topic)
    burst = load.burst * load.messages_per_order(row, topic)
    moments: list[Moment] = []
    drained: int | None = None
    for second in range(1, (seconds or LONGEST_SECONDS) + 1):
        let_in = min(burst, TOPIC.limit)  # the topic is no faster than that
        burst -= let_in
        tub.fill(arriving + let_in)
        tub.drain()
        moments.append(Moment(second, tub.backlog, tub.lag_seconds, tub.batches))
        if tub.backlog > DRAINED or burst:
            tub.widen()
            drained = None
        elif drained is None:
            drained = second
        if drained is not None and seconds is None:
            break
    return Forecast(
        row=row,
        moments=moments,
        arriving_per_second=arriving,
        most_per_second=tub.most_per_second,
        drained_after_seconds=drained,
        bound_by=_bound_by(row, load),
        expired=tub.expired,
        needed_batches=max(1, math.ceil(arriving * tub.batch_seconds / row.batch_size)),
    )


@dataclass(slots=True, kw_only=True)
class _Tub:
    """One queue and its consumer. `hot` is what waits of the busiest message group, `rest` all others."""

    batch_size: int
    batch_seconds: float
    most_batches: int
    capped_per_second: float
    hot_share: float
    max_age_seconds: float
    batches: float
    expired: float = 0.0
    hot: float = 0.0
    rest: float = 0.0

    @classmethod
    def of(cls, row: Subscription, load: Load) -> _Tub:
        """An empty one. A full batch takes as long as the benchmarks' latencies make it."""
        cost = cost_of(row, "waybill")
        most = _most_batches(row, load)
        return cls(
            batch_size=row.batch_size,
            batch_seconds=(cost.batch_ms + cost.record_ms * row.batch_size) / 1000,
            most_batches=most,
            capped_per_second=load.mails_per_second if row.has_external_effects else math.inf,
            hot_share=load.hot_group_share if row.fifo else 0.0,
            max_age_seconds=math.inf if row.max_age_seconds is None else row.max_age_seconds,
            batches=min(FIRST_BATCHES, most),
        )

    @property
    def backlog(self) -> float:
        return self.hot + self.rest

    @property
    def lag_seconds(self) -> float:
        hot_per_second = min(self._of_one_group, self._per_second)
        return max(self.backlog / self._per_second, self.hot / hot_per_second)

    @property
    def most_per_second(self) -> float:
        return min(self.capped_per_second, self.most_batches * self._of_one_group)

    @property
    def _per_second(self) -> float:
        return min(self.capped_per_second, self.batches * self._of_one_group)

    @property
    def _of_one_group(self) -> float:
        """SQS keeps a group's messages back while a batch of it is in flight."""
        return self.batch_size / self.batch_seconds

    def fill(self, messages: float) -> None:
        self.hot += messages * self.hot_share
        self.rest += messages * (1 - self.hot_share)

    def drain(self) -> None:
        """One second's work."""
        hot = min(self.hot, self._of_one_group, self._per_second)
        self.hot -= hot
        self.rest -= min(self.rest, self._per_second - hot)
        in_time = self._per_second * self.max_age_seconds
        if self.rest > in_time:  # to bury them takes no call, so it holds nobody up
            self.expired += self.rest - in_time
            self.rest = in_time

    def widen(self) -> None:
        """More batches at once, as long as messages wait."""
        self.batches = min(self.most_batches, self.batches + MORE_BATCHES_PER_SECOND)


def _most_batches(row: Subscription, load: Load) -> int:
    """A FIFO mapping has no more at once than there are message groups.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
    """
    return min(row.maximum_concurrency, load.groups) if row.fifo else row.maximum_concurrency


def _bound_by(row: Subscription, load: Load) -> str:
    if row.has_external_effects:
        return f"{load.mails_per_second:g} calls a second"
    if _most_batches(row, load) < row.maximum_concurrency:
        return f"{load.groups} message groups"
    return f"maximum concurrency {row.maximum_concurrency}"
