"""Everything of one consumer that is kept in DynamoDB, over one client."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from messaging.attempts import Attempts
from messaging.identity import new_id
from messaging.inbox import Inbox
from messaging.lease import Leases
from messaging.reads import Reader
from messaging.subscription import Subscription
from messaging.tables import INBOX
from messaging.writes import Writer


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """Effects and their markers, claims on external effects, and what is known of failed attempts."""

    reader: Reader
    inbox: Inbox
    leases: Leases
    attempts: Attempts

    @classmethod
    def of(
        cls,
        client: Any,
        *,
        tables: Mapping[str, str],
        subscription: Subscription,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        new_id: Callable[[], str] = new_id,
    ) -> Store:
        """`client` is boto3's DynamoDB client, `tables` maps the topology's names to physical ones."""
        reader = Reader(client, tables=tables, sleep=sleep)
        table = tables[INBOX.name]
        writer = Writer(client, table=table, sleep=sleep)
        return cls(
            reader=reader,
            inbox=Inbox(client, tables=tables, subscription=subscription, reader=reader, clock=clock, new_id=new_id),
            leases=Leases(
                client,
                reader=reader,
                table=table,
                subscription=subscription,
                clock=clock,
                sleep=sleep,
                new_owner=new_id,
            ),
            attempts=Attempts(reader=reader, writer=writer, subscription=subscription, clock=clock),
        )
