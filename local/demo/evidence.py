"""What the engine holds before and after a run, each fact from its own place, read side by side."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from decimal import Decimal

from local.demo.places import DeployedEngine, Places
from local.demo.queues import ParkedMessage, count_emails, peek
from local.demo.stock import StockLevels, read_levels
from local.demo.tables import Marker, count_items, read_markers, read_revenue
from messaging.tables import INBOX, ORDER_LOG, OUTBOX, RESERVATIONS, REVENUE, STOCK


@dataclass(frozen=True, slots=True)
class Baseline:
    """What there was before the run: e-mails, and the message ids of dead letters by consumer."""

    emails: int
    parked: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What there is after the run. `parked` are this run's new dead letters by consumer, `new_emails` its e-mails.

    `in_outbox`: items of follow-up events that the topic has not got yet.
    """

    markers: tuple[Marker, ...]
    parked: Mapping[str, tuple[ParkedMessage, ...]]
    stock: StockLevels
    revenue: Decimal
    emails: int
    new_emails: int
    in_outbox: int


def read_baseline(engine: DeployedEngine, pool: Executor) -> Baseline:
    """Read what a run will be measured against; cheap, for it stands before the first publish."""
    emails = pool.submit(count_emails, engine.endpoint)
    parked = {
        consumer: frozenset(message.message_id for message in messages)
        for consumer, messages in _peek_all(engine, pool).items()
    }
    return Baseline(emails.result(), parked)


def gather_evidence(engine: DeployedEngine, pool: Executor, baseline: Baseline) -> Evidence:
    """Read everything that a run can have changed."""
    places, dynamodb = Places(engine.outputs), engine.client("dynamodb")
    markers = pool.submit(read_markers, dynamodb, inbox_table=places.table(INBOX), order_table=places.table(ORDER_LOG))
    stock = pool.submit(read_levels, dynamodb, places.table(STOCK), places.table(RESERVATIONS))
    revenue = pool.submit(read_revenue, dynamodb, places.table(REVENUE))
    emails = pool.submit(count_emails, engine.endpoint)
    in_outbox = pool.submit(count_items, dynamodb, places.table(OUTBOX))
    parked = _peek_all(engine, pool)
    return Evidence(
        markers=tuple(markers.result()),
        parked={
            consumer: tuple(message for message in messages if message.message_id not in baseline.parked[consumer])
            for consumer, messages in parked.items()
        },
        stock=stock.result(),
        revenue=revenue.result(),
        emails=emails.result(),
        new_emails=emails.result() - baseline.emails,
        in_outbox=in_outbox.result(),
    )


def _peek_all(engine: DeployedEngine, pool: Executor) -> dict[str, list[ParkedMessage]]:
    places = Places(engine.outputs)
    queue_urls = [places.dead_letter_queue_url(consumer) for consumer in places.consumers]
    peeked = pool.map(lambda queue_url: peek(engine.endpoint, queue_url), queue_urls)
    return dict(zip(places.consumers, peeked, strict=True))
