"""What benchmarks/consumer.py measures: handlers of ours and of others over the same kinds of batches.

Ours are whole: `lambdas.runtime.lambda_handler` with rows of the real topology, one log line and the metrics of a batch
included. The others are those of stock_consumer.py, with one log line too.
"""

from __future__ import annotations

import math
import os
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import boto3
import msgspec

from benchmarks import stock_consumer
from benchmarks.consumer_records import Document, record
from lambdas.inventory import reads, reserve
from lambdas.orders import order_writer
from lambdas.runtime import Effects, lambda_handler
from messaging.effects import Add, Effect, External, Key, Transactional, View
from messaging.events import OrderPlaced
from messaging.message import Message, decode
from messaging.settings import Settings
from messaging.tables import INBOX, TABLES, TABLES_BY_NAME
from messaging.topology import ORDERS

Handler = Callable[[Document, Any], Any]

BATCH = 10
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_NAME": "consumer",
    "POWERTOOLS_METRICS_NAMESPACE": "Waybill",
}
CONTEXT = SimpleNamespace(
    aws_request_id="r",
    function_name="consumer",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:consumer",
    get_remaining_time_in_millis=lambda: 60_000,
)
# NAME:KEY[:SORT], as the server takes them.
SERVED = [":".join(filter(None, (table.name, table.partition_key, table.sort_key))) for table in TABLES]
SERVED.append(f"{stock_consumer.TABLE}:id")

Prepare = Callable[[Any, Sequence[Document]], None]


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of batch, of `size` records. `repeats` of them were applied with the batch before, and `poison` are none
    of ours; `prepare` gets a DynamoDB client and the records, before anything is measured. `others` are the names of
    handlers that are measured beside ours, with `effect`.

    With `groups` the records are of so many customers in turn, and what is poison is the second of its group, not the
    batch's last: a FIFO processor skips the rest of that group."""

    consumer: str
    effects: Effects
    effect: stock_consumer.Effect | None = None
    others: tuple[str, ...] = ()
    size: int = BATCH
    repeats: int = 0
    poison: int = 0
    groups: int = 0
    prepare: Prepare | None = None

    @property
    def handed_back(self) -> int:
        """How many records others hand back: what is poison, and what a FIFO processor skips for it."""
        after = self.size - self.poison - self.groups
        return self.poison + (math.ceil(after / self.groups) if self.groups else 0)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one batch cost."""

    wall_seconds: float
    cpu_seconds: float
    operations: dict[str, int]  # DynamoDB's, and how often each was called
    write_units: float
    read_units: float
    sent: int  # requests to SQS


class Side:
    """A handler with the batches that it gets. Each has fresh events, beside those that it repeats.

    A handler that hands poison back will get it again: that is not measured.
    """

    def __init__(self, handler: Handler, case: Case, endpoint: str, *, hands_poison_back: bool) -> None:
        self._handler = handler
        self._case = case
        self._handed_back = case.handed_back if hands_poison_back else 0
        self._sqs = os.environ["AWS_ENDPOINT_URL_SQS"] if case.poison else None
        self._stats_url = f"{endpoint}/_stats"
        self._dynamodb = boto3.client("dynamodb", endpoint_url=endpoint) if case.prepare else None
        self._last: list[Document] = []

    def run(self) -> Cost:
        """Process one batch. Raises RuntimeError where more or less of it is handed back than should be."""
        again = [{**each, "messageId": str(uuid.uuid4())} for each in self._last[: self._case.repeats]]
        fresh = [self._record(number) for number in range(self._case.size - len(again) - self._case.poison)]
        poison = [{**self._record(0), "body": "not JSON"} for _ in range(self._case.poison)]
        if self._case.prepare is not None:
            self._case.prepare(self._dynamodb, fresh)
        self._last = fresh
        first = self._case.groups or len(fresh)
        event = {"Records": [*fresh[:first], *again, *poison, *fresh[first:]]}
        self._request("DELETE")
        self._sent()
        wall, cpu = time.perf_counter(), time.process_time()
        response = self._handler(event, CONTEXT)
        cost = time.perf_counter() - wall, time.process_time() - cpu
        stats = msgspec.json.decode(self._request("GET"))
        if len(response["batchItemFailures"]) != self._handed_back:
            raise RuntimeError(f"a batch was not processed: {response}")
        units = stats["write_units"], stats["read_units"]
        return Cost(*cost, stats["calls"], *units, sent=self._sent())

    def _record(self, number: int) -> Document:
        groups = self._case.groups
        return record(self._case.consumer, f"group-{number % groups}" if groups else None)

    def _sent(self) -> int:
        """Requests to SQS since the last time."""
        if self._sqs is None:
            return 0
        with urllib.request.urlopen(self._sqs) as reply:  # noqa: S310 - our own server's
            return int(msgspec.json.decode(reply.read()).get("requests", 0))

    def _request(self, method: str) -> bytes:
        with urllib.request.urlopen(urllib.request.Request(self._stats_url, method=method)) as reply:  # noqa: S310 - ours
            body: bytes = reply.read()
        return body


def sides(case: Case, endpoint: str) -> dict[str, Side]:
    """Ours, and the others that the case has. The environment holds AWS's dummies and the endpoints."""
    found = {"ours": Side(our_handler(case), case, endpoint, hands_poison_back=False)}
    for name in case.others:
        assert case.effect is not None
        other = stock_consumer.HANDLERS[name](case.effect)
        found[name] = Side(other, case, endpoint, hands_poison_back=True)
    return found


def our_handler(case: Case) -> Handler:
    """Composed, with clients of its own."""
    handler = lambda_handler(case.effects)
    row = ORDERS.subscription(case.consumer)
    settings = Settings(
        consumer=case.consumer,
        queue_url="http://127.0.0.1/queue",
        dead_letter_queue_url="http://127.0.0.1/dead",
        tables={name: name for name in {INBOX.name, "outbox", *row.reads, *row.writes}},
        code_version="v1",
        newer_version_patience_seconds=900,
    )
    with environment(settings.to_environment()):
        handler({"Records": []}, CONTEXT)  # composes it
    return handler


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """The variables, for as long as the context lasts."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def count(message: Message[OrderPlaced], _: View) -> Effect:
    """A counter on a key of its own."""
    return Effect((Add(Key("revenue", message.event.order_id, "0"), "orders", 1),))


def call_provider(message: Message[OrderPlaced], idempotency_key: str) -> None:
    """A call that costs nothing."""
    assert message.id in idempotency_key


def fill_stock(dynamodb: Any, _: Sequence[Document]) -> None:
    """Enough of everything."""
    for number in range(1, 4):
        item = {TABLES_BY_NAME["stock"].partition_key: {"S": f"NW-{number}"}, "units": {"N": "1000000"}}
        dynamodb.put_item(TableName="stock", Item=item)


def leave_claims(dynamodb: Any, records: Sequence[Document]) -> None:
    """Two claims of a function that died long ago."""
    for each in records[:2]:
        message = decode(each["body"])
        item = {
            "id": {"S": f"notifications#{message.id}"},
            "status": {"S": "INPROGRESS"},
            "consumer": {"S": "notifications"},
            "payload_hash": {"S": message.payload_hash},
            "owner": {"S": "dead"},
            "lease_expires_at": {"N": "1"},
        }
        dynamodb.put_item(TableName=INBOX.name, Item=item)


COUNTER = Transactional(functions={OrderPlaced: count})
ORDER_WRITER = order_writer(promise_days=3)
INVENTORY = Transactional(functions={OrderPlaced: reserve}, reads=reads)
PROVIDER = External(calls={OrderPlaced: call_provider})


def provider(_: Any) -> External:
    """The external effects, as the runtime asks for them."""
    return PROVIDER


HUNDRED = 100
EFFECT = Case("analytics", COUNTER, stock_consumer.count)
CALL = Case("notifications", provider, stock_consumer.call_provider)
MARKER = Case("standard_orders", ORDER_WRITER, stock_consumer.write_order)

ALL = ("stock", "loop", "threads")

CASES: Mapping[str, Case] = {
    "one effect a record": replace(EFFECT, others=ALL),
    "one of ten a duplicate": replace(EFFECT, others=ALL, repeats=1),
    "one of ten poison": replace(EFFECT, others=ALL, poison=1),
    "the effect is the marker": replace(MARKER, others=ALL),
    "FIFO, three groups, one of ten poison": replace(MARKER, others=("fifo",), poison=1, groups=3),
    "external effects": replace(CALL, others=ALL),
    "external, one of ten a duplicate": replace(CALL, others=ALL, repeats=1),
    "external, one of ten poison": replace(CALL, others=ALL, poison=1),
    "external, two lapsed leases": replace(CALL, prepare=leave_claims),
    "inventory": Case("inventory", INVENTORY, prepare=fill_stock),
}
# Only standard queues have batches of more than ten.
LARGE_CASES: Mapping[str, Case] = {
    "100 records": replace(EFFECT, others=ALL, size=HUNDRED),
    "100 records, ten duplicates": replace(EFFECT, others=ALL, size=HUNDRED, repeats=10),
    "100 records, one poison": replace(EFFECT, others=ALL, size=HUNDRED, poison=1),
    "100 records, external effects": replace(CALL, others=ALL, size=HUNDRED),
    "100 records, external, ten duplicates": replace(CALL, others=ALL, size=HUNDRED, repeats=10),
    "100 records, external, one poison": replace(CALL, others=ALL, size=HUNDRED, poison=1),
}
ALL_CASES: Mapping[str, Case] = {**CASES, **LARGE_CASES}
