"""The ways to publish events that benchmarks/publisher.py compares: ours, and the loops that people write.

The loops send the same envelopes, made up beforehand: all that is left to them is `json.dumps`. Ours validates each
event, encodes it, and says afterwards which no subscription takes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3
import msgspec
from botocore.config import Config

from messaging.events import OrderPlaced
from messaging.message import encode
from messaging.publisher import Publisher
from messaging.samples.orders import generate_orders
from messaging.topology import ORDERS

ARN = "arn:aws:sns:us-east-1:000000000000:orders.fifo"
BATCH, SIDE_BY_SIDE = 10, 10
# As in the Northwind sample, each customer has about ten orders.
CUSTOMERS, FEW_CUSTOMERS = 100, 16
OURS, OURS_OF_FEW = "ours", f"ours, only {FEW_CUSTOMERS} customers"
ONE_BY_ONE, IN_BATCHES = "boto3, one by one", "boto3, in batches"
NOW = datetime(2026, 11, 20, tzinfo=UTC)

# One run: all events are published when it returns.
Way = Callable[[], object]


class Events:
    """Events of so many customers in turn, and what the loops have of them."""

    def __init__(self, number: int, customers: int) -> None:
        orders = enumerate(generate_orders(number, seed=1))
        self.orders: list[OrderPlaced] = [
            msgspec.structs.replace(each, customer_id=f"C{n % customers}") for n, each in orders
        ]
        self.envelopes = [json.loads(encode(each, source="urn:waybill:bench", time=NOW)) for each in self.orders]

    def requests(self) -> Iterator[dict[str, Any]]:
        """What the loops send of each event."""
        for order, envelope in zip(self.orders, self.envelopes, strict=True):
            yield {
                "Message": json.dumps(envelope),
                "MessageGroupId": order.customer_id,
                "MessageDeduplicationId": envelope["id"],
                "MessageAttributes": {
                    name: {"DataType": "String", "StringValue": value} for name, value in order.attributes.items()
                },
            }

    def batches(self) -> Iterator[list[dict[str, Any]]]:
        """The same, ten at a time."""
        requests = list(self.requests())
        for start in range(0, len(requests), BATCH):
            yield [{"Id": str(n), **each} for n, each in enumerate(requests[start : start + BATCH])]


class Aiobotocore:
    """Its client lives in an event loop of its own, from run to run."""

    def __init__(self, events: Events, endpoint: str) -> None:
        self._events = events
        self._runner = asyncio.Runner()
        self._client = self._runner.run(self._connected(endpoint))

    async def _connected(self, endpoint: str) -> Any:
        from aiobotocore.session import get_session  # the tests do without what only bench installs

        # Ten connections, its default, are all that is side by side.
        return await get_session().create_client("sns", endpoint_url=endpoint).__aenter__()

    def close(self) -> None:
        """Close its connections."""
        self._runner.run(self._client.__aexit__(None, None, None))
        self._runner.close()

    def one_by_one(self) -> None:
        """A request an event, ten at a time."""
        self._runner.run(self._all("publish", [{"TopicArn": ARN, **each} for each in self._events.requests()]))

    def in_batches(self) -> None:
        """A request for ten events, ten at a time."""
        batches = [{"TopicArn": ARN, "PublishBatchRequestEntries": each} for each in self._events.batches()]
        self._runner.run(self._all("publish_batch", batches))

    async def _all(self, operation: str, requests: Sequence[Mapping[str, Any]]) -> None:
        await asyncio.gather(*(getattr(self._client, operation)(**each) for each in requests))


@contextmanager
def ways(number: int, endpoint: str) -> Iterator[dict[str, Way]]:
    """Each way by its name, with a client of its own. The environment has AWS's dummies."""
    events = Events(number, CUSTOMERS)
    aiobotocore = Aiobotocore(events, endpoint)
    yield {
        OURS: ours(events, endpoint),
        OURS_OF_FEW: ours(Events(number, FEW_CUSTOMERS), endpoint),
        ONE_BY_ONE: one_by_one(events, endpoint),
        IN_BATCHES: in_batches(events, endpoint),
        "boto3, one by one, 10 threads": in_threads(events, endpoint),
        "aiobotocore, one by one, 10 side by side": aiobotocore.one_by_one,
        "aiobotocore, in batches, 10 side by side": aiobotocore.in_batches,
    }
    aiobotocore.close()


def ours(events: Events, endpoint: str) -> Way:
    """The publisher with what it does by itself: in batches, up to ten lanes side by side, each group in order."""
    client = boto3.client("sns", endpoint_url=endpoint)
    publisher = Publisher(client, topic=ORDERS, topic_arn=ARN, source="urn:waybill:bench")

    def publish() -> None:
        report = publisher.publish(events.orders)
        if report.failed or len(report.published) != len(events.orders):
            raise RuntimeError(f"not all was published: {report.failed[:3]}")

    return publish


def one_by_one(events: Events, endpoint: str) -> Way:
    """The loop of most tutorials."""
    client = boto3.client("sns", endpoint_url=endpoint)

    def publish() -> None:
        for each in events.requests():
            client.publish(TopicArn=ARN, **each)

    return publish


def in_batches(events: Events, endpoint: str) -> Way:
    """The same with PublishBatch. What it says of failed entries is not looked at."""
    client = boto3.client("sns", endpoint_url=endpoint)

    def publish() -> None:
        for each in events.batches():
            client.publish_batch(TopicArn=ARN, PublishBatchRequestEntries=each)

    return publish


def in_threads(events: Events, endpoint: str) -> Way:
    """A pool of threads: a customer's events overtake each other."""
    client = boto3.client("sns", endpoint_url=endpoint, config=Config(max_pool_connections=SIDE_BY_SIDE))
    pool = ThreadPoolExecutor(max_workers=SIDE_BY_SIDE)

    def publish() -> None:
        list(pool.map(lambda each: client.publish(TopicArn=ARN, **each), events.requests()))

    return publish
