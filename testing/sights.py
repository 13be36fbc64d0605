"""What a test may look at in a world: outcomes, items, dead letters, e-mails, events, counts and logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeVar

from messaging.errors import RecordError
from messaging.events import Event
from messaging.items import attributes, plain
from messaging.message import decode
from testing import dynamodb, ses
from testing.deployment import RELAY, Deployed
from testing.functions.fleet import Fleet
from testing.injection import Injections
from testing.letters import DeadLetter
from testing.scheduler import STARTS_AT, Scheduler
from testing.services import Services
from testing.telemetry import Line, Telemetry

T = TypeVar("T")


class Sights:
    """Of a world, which has the attributes that are named here. A name that the world does not know is a LookupError
    that lists those that it does."""

    scheduler: Scheduler
    store: dynamodb.Store
    mailbox: ses.Mailbox
    deployed: dict[str, Deployed]
    injected: Injections
    keeps_logs: bool
    _relay_fleet: Fleet | None
    _services: Services

    @property
    def elapsed_seconds(self) -> float:
        """How long the world has run, by its own clock."""
        return self.scheduler.now - STARTS_AT

    def outcomes(self, consumer: str) -> dict[str, list[str]]:
        """What a consumer said of each event's deliveries, in order: `applied`, `duplicate`, `dead_lettered`, `retry`,
        `held_back`. A message that could not be read has no event: `dead_letters` has it. Needs logs."""
        outcomes: dict[str, list[str]] = {}
        for line in self.log(consumer):
            if line.message == "record" and line.extra["event_id"] is not None:
                outcomes.setdefault(line.extra["event_id"], []).append(line.extra["outcome"])
        return outcomes

    def dead_letters(self, consumer: str) -> list[DeadLetter]:
        """What lies in a consumer's dead-letter queue, in the order in which it came."""
        return [*map(DeadLetter.of, self._deployed(consumer).dead_letter_queue.messages())]

    def undelivered(self, consumer: str) -> list[DeadLetter]:
        """What the topic gave up to deliver to a consumer's queue."""
        return [*map(DeadLetter.of, self._deployed(consumer).topic_dead_letter_queue.messages())]

    def items(self, table: str) -> list[dict[str, Any]]:
        """The items of a table in the order of a scan, which is nobody's, with plain values: numbers are decimals."""
        found(self._services.tables, table, "table")
        return [plain(item) for item in self.store.items(table)]

    def item(self, table: str, partition: str, sort: str | None = None) -> dict[str, Any] | None:
        """One item by its key, with plain values; None where there is none. Raises ValueError for half a key."""
        schema = found(self._services.tables, table, "table")
        if (sort is None) != (schema.sort_key is None):
            raise ValueError(f"table {table!r}: its key has {'no' if schema.sort_key is None else 'a'} sort key")
        key = {schema.partition_key: partition, **({} if schema.sort_key is None else {schema.sort_key: sort})}
        item = self.store.execute("GetItem", {"TableName": table, "Key": attributes(key)}).get("Item")
        return None if item is None else plain(item)

    @property
    def mails(self) -> list[ses.Mail]:
        """The e-mails that were sent, in order; `mailbox.sent` counts them by their idempotency key."""
        return self.mailbox.mails

    def published(self) -> list[Event]:
        """The events that the topic has accepted, follow-up events among them, each once, in the order in which they
        came first. What is no event of ours is not among them. Needs logs."""
        self._check_logs()
        events: dict[str, Event] = {}
        for body in self._services.accepted:
            try:
                message = decode(body)
            except RecordError:
                continue
            events.setdefault(message.id, message.event)
        return [*events.values()]

    def metrics(self, function: str) -> Counter[str]:
        """What a consumer, or `relay`, has counted, by the metrics' names."""
        return self._telemetry(function).counts

    def log(self, function: str) -> list[Line]:
        """What a consumer, or `relay`, has logged. Needs logs."""
        self._check_logs()
        return self._telemetry(function).lines

    @property
    def relay_fleet(self) -> Fleet:
        """The relay's function. Raises LookupError where none is deployed."""
        if self._relay_fleet is None:
            raise LookupError("no relay is deployed: world.deploy_relay(relay.handler)")
        return self._relay_fleet

    def assert_all_injected(self) -> None:
        """Raises AssertionError, which says why, where a fault that was injected has not struck."""
        if unmet := [*self.injected.unmet()]:
            raise AssertionError("injected, and never struck: " + "; ".join(unmet))

    def _deployed(self, consumer: str) -> Deployed:
        return found(self.deployed, consumer, "deployed consumer")

    def _telemetry(self, function: str) -> Telemetry:
        fleets = {name: deployed.fleet for name, deployed in self.deployed.items()}
        if self._relay_fleet is not None:
            fleets[RELAY] = self._relay_fleet
        return found(fleets, function, "deployed function").telemetry

    def _check_logs(self) -> None:
        if not self.keeps_logs:
            raise LookupError("this world keeps no logs: make it with keeps_logs=True")


def found(things: Mapping[str, T], name: str, what: str) -> T:
    """One of some things. Raises LookupError."""
    try:
        return things[name]
    except KeyError:
        raise LookupError(f"no {what} is called {name!r}, only: {', '.join(things) or 'none at all'}") from None
