"""The bill: quantities that can be counted by hand, and what changes them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cli.costs import formula
from cli.costs.bill import Bill, changes
from cli.costs.effects import DESIGNS, Design
from cli.costs.formula import POLL_SECONDS, POLLERS, PRICES, Operations, Price
from cli.costs.traffic import DAYS_A_MONTH, MONTH_SECONDS, Traffic
from messaging.events import OrderPlaced
from messaging.subscription import Subscription
from messaging.topic import Topic
from messaging.topology import ORDERS

ANALYTICS = Subscription(consumer="analytics", events=(OrderPlaced,), writes=("revenue",))
ORDER_WRITER = Subscription(consumer="writer", events=(OrderPlaced,), ordering="group", writes=("orders",))
# A million messages a month.
TRAFFIC = Traffic(orders_per_day=1e6 / DAYS_A_MONTH, cancelled_share=0, batch_fill=10)


def used(row: Subscription, price: Price, design: Design = "waybill", **changes: float) -> float:
    """How much of something one subscription alone uses."""
    bill = Bill(topic=Topic(name="t", subscriptions=(row,)), traffic=replace(TRAFFIC, **changes), design=design)
    return {line.price: line.quantity for line in bill.lines}.get(price, 0.0)


def test_a_marker_and_an_addition_in_a_transaction_are_four_units() -> None:
    """Two writes, each twice its units; an idempotency record costs two writes beside the effect's own."""
    assert used(ANALYTICS, formula.WRITES) == pytest.approx(4e6)
    assert used(ANALYTICS, formula.WRITES, "powertools") == pytest.approx(3e6)
    assert used(ANALYTICS, formula.WRITES, "naive") == pytest.approx(2e6)


def test_an_item_that_is_its_own_marker_is_one_unit_and_leaves_no_marker() -> None:
    """docs/decisions/0011: cheaper than either of the others, and exactly once."""
    assert used(ORDER_WRITER, formula.WRITES) == pytest.approx(1e6)
    assert used(ORDER_WRITER, formula.STORAGE) == 0
    assert used(ORDER_WRITER, formula.WRITES, "powertools") == pytest.approx(3e6)


def test_a_queue_is_polled_also_when_nothing_comes() -> None:
    """Five pollers of 20 s: the fixed part of a small bill."""
    idle = used(ANALYTICS, formula.STANDARD_REQUESTS, orders_per_day=0)
    assert idle == pytest.approx(POLLERS * MONTH_SECONDS / POLL_SECONDS)


def test_full_batches_share_receives_deletes_and_invocations() -> None:
    """SNS's sends they do not share."""
    polls = POLLERS * MONTH_SECONDS / POLL_SECONDS
    assert used(ANALYTICS, formula.STANDARD_REQUESTS) == pytest.approx(1e6 + 1e5 + polls)
    assert used(ANALYTICS, formula.STANDARD_REQUESTS, batch_fill=1) == pytest.approx(3e6)
    saved = used(ANALYTICS, formula.INVOCATIONS, batch_fill=1) - used(ANALYTICS, formula.INVOCATIONS)
    assert saved == pytest.approx(9e5)


def test_without_a_given_fill_batches_fill_with_the_rate() -> None:
    """To ten and no further."""
    topic = Topic(name="t", subscriptions=(ANALYTICS,))
    fills = [Traffic(orders_per_day=n).fill(ANALYTICS, topic) for n in (0, 864_000, 1e9)]
    assert fills == [1.0, pytest.approx(10), 10]


@pytest.mark.parametrize("design", DESIGNS)
def test_a_bill_is_the_sum_of_its_lines_and_each_is_quantity_times_price(design: Design) -> None:
    """For the topology as it is."""
    bill = Bill(topic=ORDERS, traffic=Traffic(orders_per_day=100_000), design=design)
    assert bill.usd == pytest.approx(sum(line.quantity * line.price.usd / line.price.per for line in bill.lines))
    assert bill.usd > 0


def test_the_free_tier_is_asked_for_and_never_pays_out() -> None:
    """A bill of nothing but free things is nothing, not less."""
    bill = Bill(topic=ORDERS, traffic=Traffic(orders_per_day=10), free_tier=True)
    assert all(line.usd >= 0 for line in bill.lines)
    assert bill.usd < replace(bill, free_tier=False).usd
    assert {line.price: line.usd for line in bill.lines}[formula.INVOCATIONS] == 0


def test_changes_are_what_another_bill_would_differ_by() -> None:
    """The largest first, and both other designs among them."""
    bill = Bill(topic=ORDERS, traffic=Traffic(orders_per_day=100_000))
    found = changes(bill)
    assert [abs(each.usd) for each in found] == sorted((abs(each.usd) for each in found), reverse=True)
    by_name = {each.what.partition(":")[0]: each.usd for each in found}
    assert by_name["without tracing"] == pytest.approx(
        replace(bill, operations=Operations(tracing=False)).usd - bill.usd
    )
    assert {"the design naive", "the design powertools"} <= by_name.keys()
    assert "the design waybill" not in by_name


def test_every_price_has_its_page_and_is_used() -> None:
    """A price that no bill ever names would be one that nobody keeps right."""
    bill = Bill(topic=ORDERS, traffic=Traffic(orders_per_day=100_000))
    assert {line.price for line in bill.lines} == {*PRICES}
    assert all(price.source.startswith("https://aws.amazon.com/") for price in PRICES)
