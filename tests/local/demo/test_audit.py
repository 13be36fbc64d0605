"""The audit: every kind of disagreement between logs and the rest is found, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import msgspec

from local.demo.accounting import Ledger
from local.demo.audit import Finding, audit
from local.demo.evidence import Evidence
from local.demo.journal import Record
from local.demo.queues import ParkedMessage
from local.demo.stock import StockLevels
from local.demo.tables import Marker
from messaging.events import OrderCancelled, OrderPlaced
from messaging.samples.orders import generate_orders
from messaging.topology import ORDERS

ORDER = next(order for order in generate_orders(20, 1) if order.priority == "high")
CANCELLED = OrderCancelled(**msgspec.structs.asdict(ORDER))
CONSUMERS = tuple(row.consumer for row in ORDERS.routes(ORDER.attributes))

SOUND = Evidence(
    markers=tuple(Marker(consumer, ORDER.event_id, f"{consumer}-1") for consumer in CONSUMERS),
    parked={row.consumer: () for row in ORDERS.subscriptions},
    stock=StockLevels(initial=9, reserved=4, remaining=5, refused_orders=0, violations=()),
    revenue=ORDER.amount(),
    emails=1,
    new_emails=1,
    in_outbox=0,
)


def seen(consumer: str, outcome: str = "applied", number: int = 1) -> Record:
    delivery_id = f"{consumer}-{number}"
    return Record(
        consumer=consumer, delivery_id=delivery_id, outcome=outcome, event_id=ORDER.event_id, reason=None, at=1.0
    )


def sound_ledger() -> Ledger:
    ledger = Ledger(ORDERS)
    ledger.expect(ORDER)
    ledger.observe(seen(consumer) for consumer in CONSUMERS)
    return ledger


def findings(ledger: Ledger, evidence: Evidence, *events: OrderPlaced | OrderCancelled) -> list[Finding]:
    return audit(ledger, evidence, events or (ORDER, CANCELLED))


def test_what_adds_up_gives_no_finding() -> None:
    """Logs, tables, queues, stock, revenue and e-mails tell the same story."""
    assert findings(sound_ledger(), SOUND) == []


def test_follow_up_events_that_stay_in_the_outbox_are_a_finding() -> None:
    """Somebody waits for them."""
    (finding,) = findings(sound_ledger(), replace(SOUND, in_outbox=3))
    assert finding.count == 3
    assert "never reached the topic" in finding.text


def test_a_delivery_without_outcome_is_named_with_its_subscription() -> None:
    """The text says what is missing and of how many."""
    ledger = sound_ledger()
    ledger.expect(ORDER)
    ledger.observe(seen(consumer, "duplicate", 2) for consumer in CONSUMERS[1:])

    assert findings(ledger, SOUND) == [Finding(1, "inventory: 1 of 2 deliveries have no outcome")]


def test_processed_without_a_marker_is_a_finding() -> None:
    """A log line alone proves nothing."""
    (finding,) = findings(sound_ledger(), replace(SOUND, markers=SOUND.markers[1:]))

    assert finding.count == 1
    assert finding.text.startswith("inventory: 1 deliveries")


def test_an_event_applied_under_two_deliveries_is_a_finding() -> None:
    """The marker names the one delivery that applied the event: a second one has doubled its effect."""
    ledger = sound_ledger()
    ledger.observe([seen("inventory", "applied", 2)])

    (finding,) = findings(ledger, SOUND)
    assert finding.count == 1
    assert finding.text.startswith("inventory")


def test_a_duplicate_needs_a_marker_of_whichever_delivery() -> None:
    """A duplicate is right as long as the event was applied, in this run or an earlier one."""
    ledger = Ledger(ORDERS)
    ledger.expect(ORDER)
    ledger.observe(seen(consumer, "duplicate", 2) for consumer in CONSUMERS)

    assert findings(ledger, SOUND) == []
    assert len(findings(ledger, replace(SOUND, markers=(), revenue=Decimal(0)))) == len(CONSUMERS)


def test_a_dead_letter_that_is_not_in_its_queue_is_a_finding() -> None:
    """What the log says was parked must be parked."""
    ledger = sound_ledger()
    ledger.expect_by_hand("inventory", ["inventory-7"])
    ledger.observe([replace(seen("inventory", "dead_lettered", 7), event_id=None)])
    parked = ParkedMessage(message_id="m", delivery_id="inventory-7", event_id=None, reason="poison")

    assert [finding.count for finding in findings(ledger, SOUND)] == [1]
    assert findings(ledger, replace(SOUND, parked={**SOUND.parked, "inventory": (parked,)})) == []


def test_each_sku_that_does_not_add_up_counts() -> None:
    """The SKUs are named."""
    stock = replace(SOUND.stock, violations=("A", "B"))

    (finding,) = findings(sound_ledger(), replace(SOUND, stock=stock))
    assert finding.count == 2
    assert finding.text.endswith("2 SKUs: A, B")


def test_revenue_must_be_what_the_applied_events_add_up_to() -> None:
    """A ten-thousandth is enough; a cancellation subtracts."""
    off = replace(SOUND, revenue=SOUND.revenue + Decimal("0.0001"))
    cancelled = replace(
        SOUND, markers=(*SOUND.markers, Marker("analytics", CANCELLED.event_id, "analytics-2")), revenue=Decimal(0)
    )

    assert [finding.count for finding in findings(sound_ledger(), off)] == [1]
    assert findings(sound_ledger(), cancelled) == []


def test_events_of_somebody_else_do_not_spoil_the_revenue_check() -> None:
    """What an event outside of the scenario is worth is not known."""
    foreign = replace(SOUND, markers=(*SOUND.markers, Marker("analytics", "OrderPlaced-x", "d")), revenue=Decimal(7))

    assert findings(sound_ledger(), foreign) == []


def test_fewer_emails_than_confirmations_is_a_finding_and_more_is_not() -> None:
    """A crash between sending and completing sends once more: that is promised; a lost e-mail is not."""
    assert [finding.count for finding in findings(sound_ledger(), replace(SOUND, new_emails=0))] == [1]
    assert findings(sound_ledger(), replace(SOUND, new_emails=2)) == []
