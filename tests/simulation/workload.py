"""What producers publish in a simulated world: orders of many customers and one hot one, and every kind of bad message.

Each event's kind is known beforehand, so what became of it can be judged.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec

from messaging.events import Event, OrderCancelled, OrderEvent, OrderPlaced
from messaging.message import encode
from messaging.outgoing import Draft

CANARY = "canary-b7f3"  # in every order's address: to be found in no log, reason or record of failures
SOURCE = "urn:waybill:simulation"
SKUS = tuple(f"NW-{number}" for number in range(1, 78))
COUNTRIES = ("Austria", "Brazil", "Denmark", "France", "Mexico", "USA")
TAMPERED_MONTH = "2026-08"  # of which nobody knows the revenue
DAY_SECONDS = 24 * 60 * 60


class Kind(enum.Enum):
    """What an event is, and so how it may end."""

    GOOD = "good"
    MALFORMED = "malformed"
    UNPROCESSABLE = "unprocessable"
    KILLER = "killer"
    NEWER = "newer"
    TOO_OLD = "too_old"
    TAMPERED = "tampered"  # published twice, with different contents: whichever comes first counts


# The reasons with which each kind may be parked, of those that are its own fault.
REASONS: Mapping[Kind, frozenset[str]] = {
    Kind.GOOD: frozenset(),
    Kind.MALFORMED: frozenset({"poison"}),
    Kind.UNPROCESSABLE: frozenset({"poison"}),
    Kind.KILLER: frozenset({"killer"}),
    Kind.NEWER: frozenset({"newer_version"}),
    Kind.TOO_OLD: frozenset({"too_old"}),
    Kind.TAMPERED: frozenset({"conflict"}),
}


@dataclass(frozen=True, slots=True)
class Raw:
    """A message that no publisher of ours would send, as SNS takes it."""

    event_id: str
    group: str
    body: str
    attributes: Mapping[str, str]

    def request(self, topic_arn: str) -> dict[str, Any]:
        """Publish's arguments."""
        return {
            "TopicArn": topic_arn,
            "Message": self.body,
            "MessageGroupId": self.group,
            "MessageDeduplicationId": self.event_id,
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in self.attributes.items()
            },
        }


@dataclass(frozen=True, slots=True)
class Publication:
    """One thing to publish: an event, or something raw."""

    event_id: str
    kind: Kind
    group: str
    what: Draft | Raw
    sequence: int | None = None
    order: OrderEvent | None = None
    failures: int = 0  # so often it fails before it is processed


class Workload:
    """Publications without end, from a source of chance. `bad` is the share of bad ones."""

    def __init__(
        self,
        random: Random,
        *,
        clock: Callable[[], float],
        customers: int = 60,
        bad: float = 0.02,
        skus: Sequence[str] = SKUS,
    ) -> None:
        self._random = random
        self._skus = skus
        self._customers = [f"C{number:05d}" for number in range(customers)]
        self._bad = bad
        self._clock = clock
        self._number = 0
        self._sequences: dict[str, int] = {}
        self._open: list[OrderPlaced] = []

    def __iter__(self) -> Iterator[Publication]:
        while True:
            self._number += 1
            drawn = self._random.random()
            if drawn < self._bad:
                yield from self._make_bad(self._random.choice([kind for kind in Kind if kind is not Kind.GOOD]))
            elif drawn < self._bad + 0.07 and self._open:
                placed = self._open.pop(self._random.randrange(len(self._open)))
                yield self._publication(msgspec.convert(msgspec.to_builtins(placed), OrderCancelled))
            else:
                # Some good ones of bad customers: what follows a dead letter in its group.
                bad = f"BAD{self._random.randrange(20)}" if self._random.random() < 2 * self._bad else None
                placed = self._order(bad)
                if bad is None:
                    self._open = [*self._open[-20:], placed]
                failures = self._random.randint(4, 8) if self._random.random() < 0.002 else 0
                yield replace(self._publication(placed), failures=failures)

    def _order(self, customer: str | None = None) -> OrderPlaced:
        random = self._random
        number = f"{self._number}"
        hot = random.random() < 0.1
        count = 1 if random.random() < 0.6 else random.randint(2, 4)
        lines = [
            {
                "sku": sku,
                "quantity": random.randint(1, 20),
                "unit_price": f"{random.randint(1, 9999) / 100:.2f}",
                "discount": random.choice(("0", "0", "0.05", "0.1500")),
            }
            for sku in random.sample(self._skus, count)
        ]
        fields = {
            "order_id": number,
            "customer_id": customer or ("HOT" if hot else random.choice(self._customers)),
            "placed_at": f"2026-09-{random.randint(1, 20):02d}T10:00:00Z",
            "currency": "USD",
            "priority": "high" if random.random() < 0.3 else "standard",
            "lines": lines,
            "ship_to": {
                "name": f"{CANARY} Søren Ås",
                "city": "Århus",
                "region": None,
                "postal_code": "8000",
                "country": random.choice(COUNTRIES),
            },
        }
        return msgspec.convert(fields, OrderPlaced)

    def _publication(self, event: OrderEvent, kind: Kind = Kind.GOOD) -> Publication:
        sequence = self._sequences.get(event.partition_key, 0) + 1
        self._sequences[event.partition_key] = sequence
        draft = Draft(event=_as_event(event), sequence=sequence)
        return Publication(event.event_id, kind, event.partition_key, draft, sequence, event)

    def _make_bad(self, kind: Kind) -> Iterator[Publication]:
        # Customers of their own: in a strict group, all that follows a dead letter is held.
        order = self._order(f"BAD{self._random.randrange(20)}")
        if kind in (Kind.UNPROCESSABLE, Kind.KILLER):
            yield self._publication(order, kind)
        elif kind is Kind.TAMPERED:
            order = msgspec.structs.replace(order, placed_at=f"{TAMPERED_MONTH}-01T10:00:00Z")
            first = self._publication(order, kind)
            yield first
            other = msgspec.structs.replace(order, placed_at=f"{TAMPERED_MONTH}-02T10:00:00Z")
            draft = Draft(event=other, sequence=first.sequence)
            body = encode(other, source=SOURCE, time=self._now(), sequence=draft.sequence)
            raw = Raw(f"{order.event_id}-tampered", order.partition_key, body, order.attributes)
            yield Publication(order.event_id, kind, order.partition_key, raw, first.sequence, other)
        else:
            yield self._raw(order, kind)

    def _raw(self, order: OrderPlaced, kind: Kind) -> Publication:
        now = self._now() if kind is not Kind.TOO_OLD else datetime.fromtimestamp(self._clock() - 90 * DAY_SECONDS, UTC)
        document = json.loads(encode(order, source=SOURCE, time=now))
        if kind is Kind.NEWER:
            document["dataschema"] = "urn:waybill:OrderPlaced:99"
        body = json.dumps(document)
        if kind is Kind.MALFORMED:
            body = self._random.choice(_MALFORMED)(body, order.event_id)
        raw = Raw(order.event_id, order.partition_key, body, order.attributes)
        return Publication(order.event_id, kind, order.partition_key, raw, None, order)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _as_event(event: OrderEvent) -> Event:
    assert isinstance(event, OrderPlaced | OrderCancelled)
    return event


# Each keeps the event's id somewhere, so that its dead letters can be told from others.
_MALFORMED: tuple[Callable[[str, str], str], ...] = (
    lambda body, _: body[: len(body) // 2],
    lambda _, event_id: f"no JSON at all: {event_id}",
    lambda body, _: body.replace('"quantity": ', '"quantity": NaN, "other": ', 1),
    lambda body, _: body.replace('"id":', '"id": "twice", "id":', 1),
    lambda _, event_id: "[" * 1000 + f'"{event_id}"' + "]" * 1000,
    lambda body, _: body.replace("\\u00c5rhus", "\\ud800", 1),
    lambda body, _: body.replace('"specversion"', '"unknown": 1, "specversion"', 1),
    lambda body, _: json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": body}),
    lambda body, _: body.replace('"unit_price": "', '"unit_price": "-', 1),
    lambda _, event_id: '{"a":' * 40 + f'"{event_id}"' + "}" * 40,
)
