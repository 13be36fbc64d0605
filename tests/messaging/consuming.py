"""A consumer put together for tests: any subscription and effects, a controlled clock, no pauses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from messaging.batch import Delivery, Ledger
from messaging.consumer import Consumer, Source
from messaging.effects import External, Transactional
from messaging.lease import Leases
from messaging.store import Store
from messaging.subscription import Subscription
from messaging.tables import TABLES
from testing import dynamodb
from tests.factories import NOW

TABLE_NAMES = {table.name: table.name for table in TABLES}
PATIENCE_SECONDS = 10


def process(
    client: Any,
    source: Source,
    *deliveries: Delivery,
    effects: Transactional | External,
    subscription: Subscription,
    remaining_seconds: Callable[[], float] = lambda: 5.0,
    now: float = NOW,
    owner: str | None = None,
    sleep: Callable[[float], None] = lambda _: None,
    sandbox: dict[str, Store] | None = None,
) -> Ledger:
    """One batch. `remaining_seconds` is asked before each step; `owner` names this worker's claims.

    `sandbox` keeps what a function remembers from one invocation to the next; without it, each starts cold.
    """

    def clock() -> float:
        return now

    store = Store.of(client, tables=TABLE_NAMES, subscription=subscription, clock=clock, sleep=sleep)
    if sandbox is not None:
        warm = sandbox.setdefault(subscription.consumer, store)
        store = replace(store, attempts=warm.attempts)
    if owner is not None:
        claims = Leases(
            client,
            reader=store.reader,
            table=TABLE_NAMES["inbox"],
            subscription=subscription,
            clock=clock,
            sleep=sleep,
            new_owner=lambda: owner,
        )
        store = replace(store, leases=claims)
    consumer = Consumer(
        subscription,
        effects,
        source=source,
        store=store,
        code_version="v7",
        newer_version_patience_seconds=PATIENCE_SECONDS,
        clock=clock,
        sleep=sleep,
    )
    return consumer.process(deliveries, remaining_seconds)


def in_memory() -> dynamodb.Client:
    """Empty tables in this process, for tests that need many worlds."""
    store = dynamodb.Store()
    for table in TABLES:
        store.create_table(table.name, table.partition_key, table.sort_key)
    return dynamodb.Client(store)


def outcomes(ledger: Ledger) -> dict[str, str]:
    """The outcome of each delivery, by its id."""
    return {each.id: verdict.outcome for each, verdict in ledger.verdicts()}


def reasons(ledger: Ledger) -> dict[str, str | None]:
    """Why each delivery ended as it did, by its id."""
    return {each.id: verdict.reason for each, verdict in ledger.verdicts()}
