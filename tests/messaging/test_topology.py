"""The table of subscriptions and what derives from it."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from messaging.errors import TopologyError
from messaging.events import CATALOGUE, OrderPlaced
from messaging.subscription import REPLAY_HORIZON_SECONDS, Subscription
from messaging.topic import Topic
from messaging.topology import ORDERS


@pytest.mark.parametrize("row", ORDERS.subscriptions, ids=lambda row: row.consumer)
class TestEveryRow:
    """Rules that hold for each subscription."""

    @pytest.mark.fault(28)
    def test_times_stand_in_order(self, row: Subscription) -> None:
        """Time-out < lease < visibility timeout, which is six time-outs and the window."""
        assert row.timeout_seconds < row.lease_seconds < row.visibility_timeout_seconds
        assert row.visibility_timeout_seconds == 6 * row.timeout_seconds + row.batching_window_seconds

    @pytest.mark.fault(20, 40)
    def test_an_outage_does_not_use_up_the_receives(self, row: Subscription) -> None:
        """A message that fails through the whole outage is received fewer times than allowed."""
        assert row.max_receive_count * row.visibility_timeout_seconds >= row.outage_seconds

    @pytest.mark.fault(9, 37)
    def test_a_marker_outlives_every_way_back(self, row: Subscription) -> None:
        """Queue, dead-letter queue and replay together are shorter than the marker's life."""
        way_back = row.retention_seconds + row.dead_letter_retention_seconds + REPLAY_HORIZON_SECONDS
        assert row.marker_lifetime_seconds > way_back

    def test_its_handler_exists(self, row: Subscription) -> None:
        """The handler string names a callable of the code asset."""
        module, name = row.handler.rsplit(".", 1)
        assert callable(getattr(importlib.import_module(module), name))


def test_a_receive_count_is_never_above_what_sqs_takes() -> None:
    """Short time-outs and long outages are capped at 1,000."""
    assert (
        Subscription(consumer="c", events=CATALOGUE, timeout_seconds=3, outage_seconds=86_400).max_receive_count
        == 1_000
    )


@pytest.mark.parametrize(
    "row",
    [
        {"consumer": "Not A Module"},
        {"events": ()},
        {"where": {"type": ["OrderPlaced"]}},
        {"where": {"priority": []}},
        {"timeout_seconds": 901},
        {"timeout_seconds": 2},
        {"ordering": "group", "batch_size": 11},
        {"maximum_concurrency": 1},
        {"stack": "Consumers"},
        {"stack": "messaging"},
        {"retention_seconds": 59},
        {"writes": ("nowhere",)},
    ],
    ids=lambda row: next(iter(row)),
)
def test_a_row_that_aws_would_refuse_is_refused(row: dict[str, Any]) -> None:
    """The error names the consumer and the rule, before anything is synthesized."""
    with pytest.raises(TopologyError, match=r"subscription|filter"):
        Subscription(**{"consumer": "c", "events": (OrderPlaced,), **row})


def test_two_rows_of_one_consumer_are_refused() -> None:
    """They would share queue and idempotency keys."""
    row = Subscription(consumer="c", events=(OrderPlaced,))
    with pytest.raises(TopologyError, match="more than one row for c"):
        Topic(name="t", subscriptions=(row, row))


def test_a_topic_has_its_first_stack_whatever_the_rows_say() -> None:
    """Each stack once, in the order of the rows."""
    rows = [Subscription(consumer=stack, events=CATALOGUE, stack=stack) for stack in ("late", "early")]
    assert Topic(name="t", subscriptions=rows).stacks == ("consumers", "late", "early")
    assert ORDERS.stacks == ("consumers",)


def test_a_canary_in_another_stack_is_refused() -> None:
    """It is there for the deployment, with the relay."""
    canary = Subscription(consumer="canary", events=CATALOGUE, stack="canaries")
    with pytest.raises(TopologyError, match="canary's stack is 'consumers'"):
        Topic(name="t", subscriptions=(), canary=canary)


def test_an_unknown_consumer_is_an_error() -> None:
    """A function deployed for no row says so."""
    with pytest.raises(TopologyError, match="nobody"):
        ORDERS.subscription("nobody")


def test_routes_follow_the_priority() -> None:
    """Each order goes to one of the two order writers and to the three others."""
    high = {row.consumer for row in ORDERS.routes({"type": "OrderPlaced", "priority": "high"})}
    assert {"inventory", "priority_orders", "analytics", "notifications"} <= high
    assert "standard_orders" not in high
    assert ORDERS.routes({"type": "OrderShipped", "priority": "high"}) == []
