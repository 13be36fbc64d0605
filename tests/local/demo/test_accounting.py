"""The books: deliveries are counted by their ids, and every expected one must have an outcome."""

from __future__ import annotations

import pytest

from local.demo.accounting import RECEIVE_COUNT_REACHED, Account, Ledger
from local.demo.journal import Record
from local.demo.queues import ParkedMessage
from messaging.events import OrderPlaced
from messaging.samples.orders import generate_orders
from messaging.topology import ORDERS

ORDER = next(order for order in generate_orders(20, 1) if order.priority == "high")
OTHER = next(order for order in generate_orders(20, 2) if order.priority == "high")


def record(
    outcome: str,
    delivery_id: str = "d1",
    event: OrderPlaced | None = ORDER,
    *,
    at: float = 1.0,
    reason: str | None = None,
) -> Record:
    return Record(
        consumer="inventory",
        delivery_id=delivery_id,
        outcome=outcome,
        event_id=event.event_id if event else None,
        reason=reason,
        at=at,
    )


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger(ORDERS)
    ledger.expect(ORDER)
    return ledger


def test_an_event_is_expected_by_every_subscription_that_takes_it(ledger: Ledger) -> None:
    """Who must get an event comes from the topology's filters."""
    takers = [consumer for consumer in ledger.consumers if ledger.expected(consumer)]
    assert takers == [row.consumer for row in ORDERS.routes(ORDER.attributes)]
    assert "priority_orders" in takers
    assert "standard_orders" not in takers
    assert ledger.missing("inventory") == 1


def test_a_message_received_again_is_one_delivery(ledger: Ledger) -> None:
    """A redelivery that meets its own marker says applied again, and counts once."""
    ledger.observe([record("applied"), record("applied")])

    assert ledger.account("inventory") == Account(delivered=1, processed=1, duplicates=0, dead_letters=0)
    assert (ledger.finished("inventory"), ledger.missing("inventory")) == (1, 0)


def test_a_resend_is_a_delivery_of_its_own(ledger: Ledger) -> None:
    """The same event under another delivery id is a duplicate that was suppressed."""
    ledger.expect(ORDER)
    ledger.observe([record("duplicate", "d2"), record("applied")])

    assert ledger.account("inventory") == Account(delivered=2, processed=1, duplicates=1, dead_letters=0)
    assert ledger.missing("inventory") == 0


@pytest.mark.parametrize("outcome", ["retry", "held_back"])
def test_a_delivery_that_was_handed_back_is_not_finished(ledger: Ledger, outcome: str) -> None:
    """It is delivered, has no final outcome yet, and gets one when it is applied later."""
    ledger.observe([record(outcome)])
    assert ledger.account("inventory") == Account(delivered=1, processed=0, duplicates=0, dead_letters=0)
    assert (ledger.finished("inventory"), ledger.missing("inventory")) == (0, 1)

    ledger.observe([record("applied"), record(outcome)])
    assert ledger.account("inventory") == Account(delivered=1, processed=1, duplicates=0, dead_letters=0)
    assert (ledger.finished("inventory"), ledger.missing("inventory")) == (1, 0)


@pytest.mark.parametrize(
    ("outcomes", "best"),
    [
        (["dead_lettered", "duplicate"], "duplicate"),
        (["duplicate", "applied", "dead_lettered"], "applied"),
        (["retry", "dead_lettered", "retry"], "dead_lettered"),
    ],
)
def test_the_best_known_outcome_stands(ledger: Ledger, outcomes: list[str], best: str) -> None:
    """In whatever order the lines are read: applied before duplicate before dead-lettered."""
    for order in (outcomes, outcomes[::-1]):
        ledger.observe(record(outcome) for outcome in order)
        assert ledger.deliveries("inventory")["d1"].outcome == best
    assert ledger.finished("inventory") == 1


def test_a_surplus_of_one_event_hides_no_absence_of_another(ledger: Ledger) -> None:
    """Two deliveries of one event do not stand for the one of another that is lost."""
    ledger.expect(OTHER)
    ledger.observe([record("applied"), record("duplicate", "d2")])

    assert (ledger.finished("inventory"), ledger.missing("inventory")) == (2, 1)


def test_messages_put_in_by_hand_are_known_by_their_delivery_ids(ledger: Ledger) -> None:
    """Poison has no event: the id that the queue gave says whether it was dealt with."""
    ledger.expect_by_hand("inventory", ["p1", "p2"])
    ledger.observe([record("applied"), record("dead_lettered", "p1", None, reason="poison")])

    assert (ledger.expected("inventory"), ledger.missing("inventory")) == (3, 1)
    assert ledger.dead_letter_reasons("inventory") == {"poison": 1}


def test_a_dead_letter_that_sqs_moved_itself_is_found_in_its_queue(ledger: Ledger) -> None:
    """Such a message has no line in any log; its id and body tell the rest."""
    ledger.observe_parked(
        "inventory",
        [ParkedMessage(message_id="d1", delivery_id="d1", event_id=ORDER.event_id, reason=None)],
    )

    assert ledger.account("inventory").dead_letters == 1
    assert ledger.missing("inventory") == 0
    assert ledger.dead_letter_reasons("inventory") == {RECEIVE_COUNT_REACHED: 1}


def test_a_parked_message_names_the_event_that_its_consumer_could_not(ledger: Ledger) -> None:
    """A log line without an event id and a dead letter with one are the same delivery."""
    ledger.observe([record("dead_lettered", "d1", None, reason="expired")])
    assert ledger.missing("inventory") == 1

    ledger.observe_parked(
        "inventory",
        [ParkedMessage(message_id="m9", delivery_id="d1", event_id=ORDER.event_id, reason="expired")],
    )
    assert ledger.missing("inventory") == 0
    assert ledger.account("inventory").dead_letters == 1


def test_a_dead_letter_that_cannot_be_linked_is_not_counted_twice(ledger: Ledger) -> None:
    """A standard queue's dead letter of ours does not say which delivery it was; the log does."""
    message = ParkedMessage(message_id="m9", delivery_id=None, event_id=None, reason="poison")
    ledger.observe_parked("inventory", [message])

    assert ledger.account("inventory").delivered == 0


def test_the_first_order_is_the_first_applied_one_however_late_its_line_is_read(ledger: Ledger) -> None:
    """A suppressed duplicate counts only where nothing was applied."""
    assert ledger.first_processed_at is None
    ledger.observe([record("retry", at=1.0), record("duplicate", "d2", at=2.0)])
    assert ledger.first_processed_at == 2.0
    ledger.observe([record("applied", "d3", at=9.0), record("applied", "d4", at=5.0)])
    assert ledger.first_processed_at == 5.0
