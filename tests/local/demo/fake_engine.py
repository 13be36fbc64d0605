"""An engine in memory: a topic, queues and consumers that apply at once, tables, logs, and the inspection interface."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from messaging.errors import Poison
from messaging.events import Event, OrderCancelled, Shortage, StockRefused
from messaging.message import decode, encode
from messaging.tables import INBOX, ORDER_LOG, RESERVATIONS, REVENUE, STOCK, TABLES
from messaging.topic import TOPIC_ARN_OUTPUT
from messaging.topology import ORDERS

OUTPUTS = (
    {TOPIC_ARN_OUTPUT: "arn:topic"}
    | {table.output_key: table.name for table in TABLES}
    | {
        row.output_key(what): f"{row.consumer}/{what}"
        for row in ORDERS.subscriptions
        for what in ("QueueUrl", "DeadLetterQueueUrl", "FunctionName", "LogGroupName", "EventSourceMappingId")
    }
)

Item = dict[str, Any]


class FakeEngine:
    """The Deployment and all its clients in one. A test sets the switches to make it fail."""

    outputs = OUTPUTS
    seconds = 0.25
    deployed = True

    def __init__(self) -> None:
        self.endpoint = ""
        self.tables: dict[str, dict[str, Item]] = {table.name: {} for table in TABLES}
        self.lines: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self.held_lines: list[tuple[str, tuple[int, str]]] = []
        self.parked: dict[str, list[Item]] = defaultdict(list)
        self.emails: list[str] = []
        self.bodies: list[str] = []
        self.deduplication_ids: list[str] = []
        # The switches.
        self.holds_back: Callable[[str, str | None], bool] = lambda consumer, event_id: False
        self.gives_back = True
        self.refuses: Callable[[str], bool] = lambda event_id: False
        self.skips_effect: Callable[[str], bool] = lambda consumer: False
        self.on_publish: Callable[[], None] = lambda: None
        self._lock = threading.RLock()
        self._notes: dict[str, str] = {}
        self._deliveries = 0

    def client(self, service: str) -> FakeEngine:
        return self

    # SNS and SQS

    def publish_batch(self, **request: Any) -> dict[str, Any]:
        self.on_publish()
        failed = []
        with self._lock:
            for entry in request["PublishBatchRequestEntries"]:
                event = decode(entry["Message"]).event
                if self.refuses(event.event_id):
                    failed.append({"Id": entry["Id"], "Code": "InvalidParameter", "SenderFault": True})
                    continue
                self.bodies.append(entry["Message"])
                self.deduplication_ids.append(entry["MessageDeduplicationId"])
                for row in ORDERS.routes(event.attributes):
                    self._deliver(row.consumer, entry["Message"])
        return {"Successful": [], "Failed": failed}

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        consumer = request["QueueUrl"].partition("/")[0]
        with self._lock:
            sent = [
                {"Id": entry["Id"], "MessageId": self._deliver(consumer, entry["MessageBody"])}
                for entry in request["Entries"]
            ]
        return {"Successful": sent}

    def get_queue_attributes(self, **request: Any) -> dict[str, Any]:
        return {"Attributes": dict.fromkeys(request["AttributeNames"], "0")}

    # DynamoDB

    def scan(self, **request: Any) -> dict[str, Any]:
        with self._lock:
            return {"Items": list(self.tables[request["TableName"]].values())}

    def batch_execute_statement(self, **request: Any) -> dict[str, Any]:
        return {"Responses": [self._insert_stock(*each["Parameters"]) for each in request["Statements"]]}

    # CloudWatch Logs and Lambda

    def filter_log_events(self, **request: Any) -> dict[str, Any]:
        consumer = request["logGroupName"].partition("/")[0]
        with self._lock:
            found = [line for line in self.lines[consumer] if line[0] >= request["startTime"]]
        return {"events": [{"timestamp": at, "message": message} for at, message in found]}

    def get_event_source_mapping(self, **request: Any) -> dict[str, Any]:
        assert request["UUID"].endswith("/EventSourceMappingId")
        return {"ScalingConfig": {"MaximumConcurrency": 3}}

    def invoke(self, **request: Any) -> dict[str, Any]:
        assert json.loads(request["Payload"]) == {"Records": []}
        with self._lock:
            for consumer, line in self.held_lines if self.gives_back else []:
                self.lines[consumer].append(line)
            self.held_lines.clear()
        return {}

    # Consumers

    def _deliver(self, consumer: str, body: str) -> str:
        self._deliveries += 1
        delivery_id = f"delivery-{self._deliveries}"
        try:
            event = decode(body).event
        except Poison:
            facts = {"DataType": "String", "StringValue": '{"reason": "poison"}'}
            self.parked[consumer].append(
                {
                    "MessageId": f"parked-{self._deliveries}",
                    "MessageDeduplicationId": delivery_id,
                    "MessageAttributes": {"waybill": facts},
                    "Body": body,
                }
            )
            self._log(consumer, delivery_id, None, "dead_lettered", "poison")
            return delivery_id
        applied = self._apply(consumer, event, delivery_id)
        note = self._notes.get(event.event_id) if applied and consumer == "inventory" else None
        self._log(consumer, delivery_id, event.event_id, "applied" if applied else "duplicate", note)
        return delivery_id

    def _log(self, consumer: str, delivery_id: str, event_id: str | None, outcome: str, reason: str | None) -> None:
        now = time.time()
        entry = {
            "message": "record",
            "outcome": outcome,
            "event_id": event_id,
            "delivery_id": delivery_id,
            "reason": reason,
            "timestamp": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
        }
        line = (int(now * 1000), json.dumps(entry))
        if self.holds_back(consumer, event_id):
            self.held_lines.append((consumer, line))
        else:
            self.lines[consumer].append(line)

    def _apply(self, consumer: str, event: Event, delivery_id: str) -> bool:
        writes_orders = ORDER_LOG.name in ORDERS.subscription(consumer).writes
        table = self.tables[ORDER_LOG.name if writes_orders else INBOX.name]
        key = f"{consumer}#{event.event_id}"
        if key in table:
            return False
        table[key] = {
            "id": {"S": key},
            "event_id": {"S": event.event_id},
            "consumer": {"S": consumer},
            "status": {"S": "COMPLETED"},
            "delivery_id": {"S": delivery_id},
        }
        effect = {"inventory": self._reserve, "analytics": self._count, "notifications": self._mail}.get(consumer)
        if effect is not None and not self.skips_effect(consumer):
            effect(event)
        return True

    def _reserve(self, event: Any) -> None:
        stock, reservations = self.tables[STOCK.name], self.tables[RESERVATIONS.name]
        if isinstance(event, OrderCancelled):
            held = reservations[event.order_id].pop("lines", {"M": {}})["M"]
            reservations[event.order_id]["status"] = {"S": "cancelled"}
            for sku, units in held.items():
                _add(stock[sku], "units", int(units["N"]))
            return
        wanted: dict[str, int] = defaultdict(int)
        for line in event.lines:
            wanted[line.sku] += line.quantity
        enough = all(int(stock[sku]["units"]["N"]) >= units for sku, units in wanted.items())
        for sku, units in wanted.items() if enough else ():
            _add(stock[sku], "units", -units)
        reservations[event.order_id] = {"status": {"S": "reserved" if enough else "refused"}}
        if enough:
            reservations[event.order_id]["lines"] = {"M": {sku: {"N": str(units)} for sku, units in wanted.items()}}
        else:
            self._follow_up(event, StockRefused(event.order_id, event.customer_id, (Shortage("X", 1, 0),)))

    def _follow_up(self, cause: Event, event: StockRefused) -> None:
        """What the relay brings to the topic."""
        self._notes[cause.event_id] = "refused"
        body = encode(event, source="urn:waybill:inventory", time=datetime.now(UTC))
        for row in ORDERS.routes(event.attributes):
            self._deliver(row.consumer, body)

    def _count(self, event: Any) -> None:
        total = self.tables[REVENUE.name].setdefault("all", {"amount": {"N": "0"}})
        _add(total, "amount", -event.amount() if isinstance(event, OrderCancelled) else event.amount())

    def _mail(self, event: Event) -> None:
        self.emails.append(event.event_id)

    def _insert_stock(self, sku: Item, units: Item, initial: Item) -> dict[str, Any]:
        if sku["S"] in self.tables[STOCK.name]:
            return {"Error": {"Code": "DuplicateItem"}}
        self.tables[STOCK.name][sku["S"]] = {"sku": sku, "units": dict(units), "initial": initial}
        return {}

    # The inspection interface

    def inspect(self, url: str) -> dict[str, Any]:
        parts = urlsplit(url)
        if parts.path == "/_ministack/ses/messages":
            return {"messages": {"000000000000": [{"Subject": each} for each in self.emails]}}
        assert parts.path == "/_ministack/sqs/messages"
        (queue_url,) = parse_qs(parts.query)["QueueUrl"]
        parked = self.parked[queue_url.partition("/")[0]]
        return {"messages": {"000000000000": {"us-east-1": {queue_url: parked}}}}


def _add(item: Item, attribute: str, amount: int | Decimal) -> None:
    item[attribute] = {"N": str(Decimal(item[attribute]["N"]) + amount)}


@contextmanager
def serving(engine: FakeEngine) -> Iterator[FakeEngine]:
    """The engine with its inspection interface on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = msgspec.json.encode(engine.inspect(self.path))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        engine.endpoint = f"http://127.0.0.1:{server.server_port}"
        try:
            yield engine
        finally:
            server.shutdown()
            thread.join()
