"""What one record costs a consumer in DynamoDB and in time, in each design.

waybill      one transaction a batch with a marker for each record, or items that are their own markers
powertools   BatchProcessor with the idempotency utility: a record is claimed, applied and completed, one after another
naive        a record is looked up, applied and noted, one after another; a crash in between applies it twice
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cli.costs.traffic import sample
from messaging.subscription import Subscription
from messaging.tables import TABLES_BY_NAME

Design = Literal["waybill", "naive", "powertools"]
DESIGNS: tuple[Design, ...] = ("waybill", "naive", "powertools")

# The latencies that the benchmarks inject, and Lambda's own part of an invocation.
READ_MS, WRITE_MS, TRANSACTION_MS, CALL_MS = 4.0, 9.0, 18.0, 60.0
INVOCATION_MS, RECORD_MS = 2.0, 0.3
# Writes in a transaction cost twice their units.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
IN_TRANSACTION = 2
MARKER_BYTES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one record, but `batch_ms`, which is of its batch whatever that holds. Units are DynamoDB's."""

    write_units: float
    read_units: float
    record_ms: float
    batch_ms: float = INVOCATION_MS
    markers: int = 1
    calls: int = 0


def cost_of(row: Subscription, design: Design) -> Cost:
    """What a record of a subscription costs in a design. Items of up to 1 KB are assumed, but for follow-up events."""
    written, read = _items(row.writes), _items(row.reads)
    reading_ms = READ_MS if row.reads else 0.0
    calls = 1 if row.has_external_effects else 0
    if design == "naive":
        return Cost(
            write_units=written + 1,
            read_units=read + 1,
            record_ms=READ_MS + reading_ms + WRITE_MS * (written + 1) + CALL_MS * calls,
            calls=calls,
        )
    if design == "powertools":
        return Cost(
            write_units=written + 2,
            read_units=read,
            record_ms=reading_ms + WRITE_MS * (written + 2) + CALL_MS * calls,
            calls=calls,
        )
    if row.has_external_effects:
        return Cost(
            write_units=2, read_units=0, record_ms=RECORD_MS + CALL_MS, batch_ms=INVOCATION_MS + 2 * WRITE_MS, calls=1
        )
    if marks_itself(row):
        return Cost(write_units=1, read_units=0, record_ms=RECORD_MS, batch_ms=INVOCATION_MS + WRITE_MS, markers=0)
    actions = 1 + row.keeps_cursor + written + (outbox_units() if row.emits else 0)
    return Cost(
        write_units=IN_TRANSACTION * actions,
        read_units=read,
        record_ms=RECORD_MS,
        batch_ms=INVOCATION_MS + reading_ms + TRANSACTION_MS,
    )


def marks_itself(row: Subscription) -> bool:
    """Whether its effect is one item keyed by the event, with no marker beside it: docs/decisions/0011."""
    keyed_by_event = (TABLES_BY_NAME[name].sort_key == "event_id" for name in row.writes)
    return row.items_may_mark and not row.reads and any(keyed_by_event)


def outbox_units() -> int:
    """Write units of an outbox item that holds one message, outside of a transaction."""
    return math.ceil(sample().message_bytes * 1.2 / 1024)


def _items(tables: Sequence[str]) -> float:
    """Items of one record in these tables: one a line of the order where it is about products, else one."""
    return sum(sample().lines if TABLES_BY_NAME[name].partition_key == "sku" else 1 for name in tables)
