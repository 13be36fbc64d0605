"""Backlog, lag and time to drain, in cases that can be reckoned by hand."""

from __future__ import annotations

from typing import Any

import pytest

from cli.capacities.forecast import forecast
from cli.capacities.load import Load
from cli.capacities.quotas import GROUP, PARTITION, TOPIC, checks
from messaging.events import OrderPlaced
from messaging.subscription import Subscription
from messaging.topic import Topic
from messaging.topology import ORDERS


def row(**changes: Any) -> Subscription:
    """A standard queue's consumer of placements."""
    return Subscription(**{"consumer": "analytics", "events": (OrderPlaced,), "writes": ("revenue",), **changes})


def look(subscription: Subscription, seconds: int | None = None, **load: Any) -> Any:
    topic = Topic(name="t", subscriptions=(subscription,))
    return forecast(subscription, topic, Load(**{"rate": 0, **load}), seconds=seconds)


def test_a_rate_below_the_consumers_leaves_no_backlog() -> None:
    """It is drained in the first second."""
    calm = look(row(), rate=100)
    assert (calm.peak_backlog, calm.drained_after_seconds, calm.arriving_per_second) == (0, 1, pytest.approx(100))


def test_a_burst_drains_as_fast_as_batches_run_side_by_side() -> None:
    """At two batches at once, from which it does not rise."""
    narrow = row(maximum_concurrency=2)
    burst = look(narrow, burst=10_000)
    assert burst.drained_after_seconds == -(-10_000 // int(burst.most_per_second))
    assert burst.peak_backlog == pytest.approx(10_000 - burst.most_per_second)
    assert burst.longest_lag_seconds == pytest.approx(burst.peak_backlog / burst.most_per_second)


def test_the_poller_begins_with_five_batches_and_adds_five_a_second() -> None:
    """Up to the row's maximum: so a wide consumer does not take a burst at once."""
    wide = look(row(maximum_concurrency=20), burst=1e5)
    assert [moment.batches for moment in wide.moments[:5]] == [5, 10, 15, 20, 20]


def test_a_fifo_queue_is_no_wider_than_it_has_groups() -> None:
    """However high the maximum is."""
    few = look(row(ordering="group", maximum_concurrency=100), groups=3, burst=1_000)
    assert max(moment.batches for moment in few.moments) == 3
    assert few.bound_by == "3 message groups"


def test_the_busiest_group_is_what_drains_last() -> None:
    """One batch of it at a time: the other batches do not help it."""
    fifo = row(ordering="group", maximum_concurrency=100)
    even = look(fifo, burst=20_000, hot_group_share=0.001)
    uneven = look(fifo, burst=20_000, hot_group_share=0.5)
    assert uneven.drained_after_seconds > 3 * even.drained_after_seconds
    assert look(row(maximum_concurrency=100), burst=20_000, hot_group_share=0.5).drained_after_seconds <= (
        even.drained_after_seconds
    )


def test_more_than_it_takes_never_drains_and_says_what_would() -> None:
    """The batches at once that the rate needs."""
    tight = row(maximum_concurrency=2)
    flood = look(tight, rate=5_000, seconds=100)
    assert flood.drained_after_seconds is None
    assert flood.moments[-1].backlog == pytest.approx(100 * (flood.arriving_per_second - flood.most_per_second))
    assert look(row(maximum_concurrency=flood.needed_batches), rate=5_000, seconds=100).drained_after_seconds


def test_calls_go_no_faster_than_their_service_and_what_waits_too_long_expires() -> None:
    """E-mails at 10 a second, 30 orders a second, none older than 60 s: two of three are buried."""
    mails = row(consumer="notifications", writes=(), calls=("ses:SendEmail",), timeout_seconds=10, max_age_seconds=60)
    late = look(mails, rate=30, mails_per_second=10, seconds=1_000)
    assert late.peak_backlog == pytest.approx(600)
    assert late.longest_lag_seconds == pytest.approx(60)
    assert late.expired == pytest.approx(1_000 * 20 - 600)


def test_quotas_are_held_against_the_steady_rate() -> None:
    """The busiest customer and the busiest item meet theirs long before the topic does."""
    load = Load(rate=3_000, hot_group_share=0.1, hot_item_share=0.5)
    shares = {(check.quota, check.about): check.share for check in checks(ORDERS, load)}
    assert shares[TOPIC, "all events, follow-ups among them"] == pytest.approx(3_000 * 2.05 / 30_000)
    assert shares[GROUP, "the busiest customer's events"] == pytest.approx(3_000 * 2.05 * 0.1 / 300)
    assert shares[PARTITION, "inventory: the busiest sku of stock"] == pytest.approx(3_000 * 1.05 * 0.5 * 2 / 1_000)
    assert not [about for _, about in shares if "order_id" in about]
