"""The tables: what there is beside the queues, and outlives them. Pure data."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One DynamoDB table. Keys are strings.

    `expires` turns on TTL by the attribute `EXPIRATION`, `streams` a stream of the items as they are written.
    """

    name: str
    partition_key: str
    sort_key: str | None = None
    expires: bool = False
    streams: bool = False

    @property
    def construct_id(self) -> str:
        """The construct's name in the messaging stack."""
        return f"{self.name.capitalize()}Table"

    @property
    def output_key(self) -> str:
        """The stack output that holds its physical name."""
        return f"{self.construct_id}Name"


EXPIRATION = "expiration"  # epoch seconds: the name that Powertools' idempotency tables use too

INBOX = Table(name="inbox", partition_key="id", expires=True)
# Events on their way to the topic. Keyed by message group: a table's stream keeps the order of one partition.
OUTBOX = Table(name="outbox", partition_key="message_group", sort_key="position", streams=True)
STOCK = Table(name="stock", partition_key="sku")
RESERVATIONS = Table(name="reservations", partition_key="order_id")
ORDER_LOG = Table(name="orders", partition_key="order_id", sort_key="event_id")
REVENUE = Table(name="revenue", partition_key="day_country", sort_key="shard")

TABLES: tuple[Table, ...] = (INBOX, OUTBOX, STOCK, RESERVATIONS, ORDER_LOG, REVENUE)
TABLES_BY_NAME: Mapping[str, Table] = {table.name: table for table in TABLES}
