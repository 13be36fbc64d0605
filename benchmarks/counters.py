"""Ten consumers deployed to an engine of their own, five on standard queues and five on FIFO ones, each with one
commuting write an event; some of them at work, and what became of what was published.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from benchmarks.checkout import Checkout, copied
from messaging.events import Address, Line, OrderPlaced
from messaging.lanes import MAX_BATCH_ENTRIES
from messaging.metrics import EFFECT_LATENCY, END_TO_END_LATENCY, RECORDS
from messaging.outgoing import prepare
from messaging.publisher import Publisher
from messaging.subscription import Subscription
from messaging.tables import REVENUE
from messaging.topic import TOPIC_ARN_OUTPUT
from messaging.topology import ORDERS

Kind = Literal["standard", "FIFO"]

MOST = 5  # of each kind
CUSTOMERS = 100
SOURCE = "urn:waybill:bench"
PATIENCE_SECONDS = 900.0
POLL_SECONDS = 0.05
MOST_A_SECOND = 5_000  # that a queue can be drained
PAGE_LINES = 10_000
NOBODY = {"type": ["Nobody"]}

_CONSUMER = '''"""Counts events, an item for each customer."""

from lambdas.runtime import lambda_handler
from messaging.effects import Add, Effect, Key, Transactional, View
from messaging.events import OrderPlaced
from messaging.message import Message


def count(message: Message[OrderPlaced], _: View) -> Effect:
    return Effect((Add(Key("revenue", message.event.customer_id, "{consumer}"), "orders", 1),))


handler = lambda_handler(Transactional(functions={{OrderPlaced: count}}))
'''
_ROWS = """

from dataclasses import replace as _replace

from messaging.events import CATALOGUE

ORDERS = _replace(
    ORDERS,
    subscriptions=tuple(
        Subscription(
            consumer=f"{kind}_{number}",
            events=(OrderPlaced,),
            ordering=ordering,
            writes=("revenue",),
            writes_only={"revenue": "changes"},
        )
        for kind, ordering in (("standard", "none"), ("fifo", "group"))
        for number in range(MOST)
    ),
    announced=CATALOGUE,
)
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch tells of itself, in milliseconds: how long each record was on its way, and how long it took."""

    records: int
    on_their_way: Sequence[float]
    took: float


class Counters:
    """The deployed consumers."""

    def __init__(self, checkout: Checkout) -> None:
        self._outputs = checkout.outputs()
        self._clients = {name: checkout.client(name) for name in ("sns", "sqs", "lambda", "logs", "dynamodb")}
        self._publisher = Publisher(
            self._clients["sns"], topic=ORDERS, topic_arn=self._outputs[TOPIC_ARN_OUTPUT], source=SOURCE
        )
        self._published = 0
        self._applied = 0

    def subscribe(self, consumers: Sequence[str]) -> None:
        """These get every event from now on, and no other does."""
        sns = self._clients["sns"]
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=self._outputs[TOPIC_ARN_OUTPUT])
        queues = {self._queue_url(consumer).rpartition("/")[2] for consumer in consumers}
        everything = {"type": [OrderPlaced.type]}
        for each in (each for page in pages for each in page["Subscriptions"]):
            policy = everything if each["Endpoint"].rpartition(":")[2] in queues else NOBODY
            sns.set_subscription_attributes(
                SubscriptionArn=each["SubscriptionArn"],
                AttributeName="FilterPolicy",
                AttributeValue=json.dumps(policy),
            )

    def switch(self, consumers: Sequence[str], *, on: bool) -> None:
        """Let their functions take messages, or not."""
        for consumer in consumers:
            uuid = self._outputs[_row(consumer).output_key("EventSourceMappingId")]
            self._clients["lambda"].update_event_source_mapping(UUID=uuid, Enabled=on)

    def publish(self, events: int) -> None:
        """So many, of as many customers as there are. Raises RuntimeError where the topic refuses one."""
        orders = [_order(self._published + number) for number in range(events)]
        self._published += events
        report = self._publisher.publish(orders)
        if len(report.published) != events:
            raise RuntimeError(f"{events - len(report.published)} events were not published: {report.failed[:1]}")

    def fill(self, consumer: str, events: int) -> None:
        """Let so many wait in a consumer's queue, as the topic would have delivered them.

        Raises RuntimeError where the queue refuses one.
        """
        fifo, url = consumer.startswith("fifo"), self._queue_url(consumer)
        entries = [_queued(number, fifo=fifo) for number in range(self._published, self._published + events)]
        self._published += events
        for begin in range(0, events, MAX_BATCH_ENTRIES):
            sent = self._clients["sqs"].send_message_batch(
                QueueUrl=url, Entries=entries[begin : begin + MAX_BATCH_ENTRIES]
            )
            if sent.get("Failed"):
                raise RuntimeError(f"{consumer}'s queue refused {sent['Failed'][:1]}")

    def wait(self, consumers: Sequence[str]) -> None:
        """Until their queues are empty, of what is in flight too."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        for consumer in consumers:
            while depth := self._depth(consumer):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{consumer} has {depth} messages after {PATIENCE_SECONDS} s")
                # To be asked the engine goes through the queue: not before it can be empty.
                time.sleep(max(POLL_SECONDS, depth / MOST_A_SECOND))

    def check(self, deliveries: int) -> None:
        """Raise RuntimeError unless since the last check so many deliveries were applied, each once."""
        pages = self._clients["dynamodb"].get_paginator("scan").paginate(TableName=self._outputs[REVENUE.output_key])
        applied = sum(int(item["orders"]["N"]) for page in pages for item in page["Items"])
        news, self._applied = applied - self._applied, applied
        if news != deliveries:
            raise RuntimeError(f"{news} effects of {deliveries} deliveries")

    def batches(self, consumers: Sequence[str], *, since: float) -> list[Batch]:
        """What the batches of these consumers told since then (epoch seconds), but for what the engine's logs lack."""
        return [batch for consumer in consumers for line in self._lines(consumer, since) for batch in _batch(line)]

    def _lines(self, consumer: str, since: float) -> Iterator[str]:
        group = self._outputs[_row(consumer).output_key("LogGroupName")]
        start_ms, seen = int(since * 1000), set[tuple[int, str]]()
        while True:
            page = self._clients["logs"].filter_log_events(logGroupName=group, startTime=start_ms, limit=PAGE_LINES)
            events = page["events"]
            found = {(each["timestamp"], each["message"]) for each in events} - seen
            yield from (message for _, message in found)
            seen |= found
            if len(events) < PAGE_LINES or events[-1]["timestamp"] == start_ms:
                return
            start_ms = events[-1]["timestamp"]  # the engine cuts a long answer without a token

    def _depth(self, consumer: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self._clients["sqs"].get_queue_attributes(QueueUrl=self._queue_url(consumer), AttributeNames=names)
        return sum(int(attributes["Attributes"][name]) for name in names)

    def _queue_url(self, consumer: str) -> str:
        return self._outputs[_row(consumer).output_key("QueueUrl")]


def named(kind: Kind, how_many: int) -> list[str]:
    """The first so many consumers of a kind."""
    return [f"{kind.lower()}_{number}" for number in range(how_many)]


@contextmanager
def deployed() -> Iterator[Counters]:
    """The consumers in an engine of their own, all of them off."""
    with copied() as checkout:
        for consumer in (*named("standard", MOST), *named("FIFO", MOST)):
            module = checkout.root / "lambdas" / f"{consumer}.py"
            module.write_text(_CONSUMER.format(consumer=consumer), encoding="utf-8")
        checkout.append("messaging/topology.py", _ROWS.replace("MOST", str(MOST)))
        checkout.up()
        counters = Counters(checkout)
        counters.switch([*named("standard", MOST), *named("FIFO", MOST)], on=False)
        yield counters


def _row(consumer: str) -> Subscription:
    return Subscription(consumer=consumer, events=(OrderPlaced,))


def _order(number: int) -> OrderPlaced:
    return OrderPlaced(
        order_id=f"bench-{number}",
        customer_id=f"customer-{number % CUSTOMERS}",
        placed_at="2026-11-20T10:00:00Z",
        currency="USD",
        priority="standard",
        lines=(Line("NW-1", quantity=2, unit_price="10.00", discount="0"),),
        ship_to=Address("Søren Ås", "Århus", region=None, postal_code="8000", country="Denmark"),
    )


def _queued(number: int, *, fifo: bool) -> dict[str, Any]:
    outgoing = prepare(_order(number), source=SOURCE, time=datetime.now(UTC))
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in outgoing.attributes.items()}
    ordered = {"MessageGroupId": outgoing.group, "MessageDeduplicationId": outgoing.event_id} if fifo else {}
    return {"Id": str(number), "MessageBody": outgoing.body, "MessageAttributes": attributes, **ordered}


def _batch(line: str) -> Iterator[Batch]:
    if f'"{EFFECT_LATENCY}":' not in line:
        return
    told = json.loads(line)
    yield Batch(
        int(_values(told[RECORDS])[0]), _values(told.get(END_TO_END_LATENCY, [])), _values(told[EFFECT_LATENCY])[0]
    )


def _values(told: Any) -> list[float]:
    return [float(each) for each in told] if isinstance(told, list) else [float(told)]
