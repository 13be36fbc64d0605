"""What does not add up: the logs' story of a run against tables, queues, stock, revenue and e-mails.

No number here is the rest of others: each comes from its own place, and a difference is a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from local.demo.accounting import Delivery, Ledger
from local.demo.evidence import Evidence
from local.demo.queues import ParkedMessage
from local.demo.stock import StockLevels
from local.demo.tables import Marker, exact_sum
from messaging.events import OrderCancelled, OrderPlaced

# Whose effects revenue and e-mails are.
REVENUE_CONSUMER = "analytics"
MAIL_CONSUMER = "notifications"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not add up: how many messages or facts, and what to tell people."""

    count: int
    text: str


def audit(ledger: Ledger, evidence: Evidence, events: Iterable[OrderPlaced | OrderCancelled]) -> list[Finding]:
    """Every finding. `events` are all that the scenario can have published, in this run or an earlier one."""
    delivered_by = {(marker.consumer, marker.event_id): marker.delivery_id for marker in evidence.markers}
    findings = [
        *_without_outcome(ledger),
        *_without_marker(ledger, delivered_by),
        *_not_parked(ledger, evidence.parked),
        *_stock(evidence.stock),
        *_revenue(evidence.revenue, evidence.markers, events),
        *_emails(ledger, evidence.new_emails),
        Finding(evidence.in_outbox, f"outbox: {evidence.in_outbox} items of follow-up events never reached the topic"),
    ]
    return [finding for finding in findings if finding.count]


def _without_outcome(ledger: Ledger) -> Iterator[Finding]:
    for consumer in ledger.consumers:
        missing, expected = ledger.missing(consumer), ledger.expected(consumer)
        yield Finding(missing, f"{consumer}: {missing} of {expected} deliveries have no outcome")


def _without_marker(ledger: Ledger, delivered_by: Mapping[tuple[str, str], str]) -> Iterator[Finding]:
    for consumer in ledger.consumers:
        unproven = sum(
            not _is_proven(delivery_id, delivery, delivered_by.get((consumer, delivery.event_id or "")))
            for delivery_id, delivery in ledger.deliveries(consumer).items()
        )
        yield Finding(unproven, f"{consumer}: {unproven} deliveries are logged as processed, and no marker proves it")


def _is_proven(delivery_id: str, delivery: Delivery, applied_by: str | None) -> bool:
    """One delivery of an event has applied it and the marker names that one; all others are its duplicates."""
    if delivery.outcome == "applied":
        return applied_by == delivery_id
    if delivery.outcome == "duplicate":
        return applied_by is not None
    return True


def _not_parked(ledger: Ledger, parked: Mapping[str, Sequence[ParkedMessage]]) -> Iterator[Finding]:
    for consumer in ledger.consumers:
        lost = max(0, ledger.account(consumer).dead_letters - len(parked[consumer]))
        yield Finding(lost, f"{consumer}: {lost} dead letters are logged, and the dead-letter queue does not hold them")


def _stock(stock: StockLevels) -> Iterator[Finding]:
    wrong = len(stock.violations)
    named = ", ".join(stock.violations[:5])
    yield Finding(wrong, f"stock: initial - reserved is not remaining, or is below zero, for {wrong} SKUs: {named}")


def _revenue(
    revenue: Decimal, markers: Iterable[Marker], events: Iterable[OrderPlaced | OrderCancelled]
) -> Iterator[Finding]:
    amounts = {event.event_id: _signed_amount(event) for event in events}
    applied = [marker.event_id for marker in markers if marker.consumer == REVENUE_CONSUMER]
    if not all(event_id in amounts for event_id in applied):
        return  # somebody else publishes here too: what their events are worth is not known
    due = exact_sum(amounts[event_id] for event_id in applied)
    yield Finding(int(due != revenue), f"revenue: the table says {revenue}, the applied events add up to {due}")


def _signed_amount(event: OrderPlaced | OrderCancelled) -> Decimal:
    return -event.amount() if isinstance(event, OrderCancelled) else event.amount()


def _emails(ledger: Ledger, new_emails: int) -> Iterator[Finding]:
    confirmed = ledger.account(MAIL_CONSUMER).processed
    unsent = max(0, confirmed - new_emails)  # more is possible: a crash between send and completion sends again
    yield Finding(unsent, f"{MAIL_CONSUMER}: {unsent} of {confirmed} mails are logged as sent, and SES lacks them")
