"""The event catalogue: what can happen, each version of it.

An event class is one version of one type: its schema is the class, strict (unknown fields are refused) and
bounded. A change that old consumers can't read is a new class with the next `version` and an `upcast` from the
one before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, cast

import msgspec
from msgspec import Meta

# Text that people typed: any script, no control characters (they end up in mail headers and logs).
Text = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]*\Z")]
# Identifiers become message groups, deduplication ids and addresses: SNS takes ASCII letters, digits and punctuation.
Identifier = Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z")]
# A customer's id is the label of an e-mail address too: 64 octets with `success+`, no dot at the end or beside another.
CustomerId = Annotated[str, Meta(max_length=56, pattern=r"^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*\Z")]
# Money and rates are decimal strings: a JSON number would pass through a float somewhere.
Price = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,4})?\Z")]
Discount = Annotated[str, Meta(pattern=r"^(0(\.[0-9]{1,4})?|1(\.0{1,4})?)\Z")]
Instant = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")]
Priority = Literal["high", "standard"]
# One settlement currency: revenue adds amounts up, and amounts of two currencies don't add.
Currency = Literal["USD"]

# An order is one DynamoDB transaction of 100 actions: marker, cursor, reservation and outbox take four.
MAX_LINES = 90


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`quantity` units of one product, at `unit_price` each, less the share `discount` (0 to 1)."""

    sku: Identifier
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)]
    unit_price: Price
    discount: Discount

    def amount(self) -> Decimal:
        """What the line costs, exact: at most eight decimals."""
        return self.quantity * Decimal(self.unit_price) * (1 - Decimal(self.discount))


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an order goes. `region` and `postal_code` are null where a country has none."""

    name: Text
    city: Text
    region: Text | None
    postal_code: Text | None
    country: Text


class AboutOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every event has that is about one order: told once, in the customer's message group."""

    type: ClassVar[str]
    version: ClassVar[int] = 1
    numbered: ClassVar[bool]  # whether its producer counts it in the `sequence` of its message group

    order_id: Identifier
    customer_id: CustomerId

    @property
    def subject(self) -> str:
        """What the event is about, CloudEvents' `subject`."""
        return self.order_id

    @property
    def partition_key(self) -> str:
        """The message group: events of one customer are kept in order."""
        return self.customer_id

    @property
    def event_id(self) -> str:
        """Derived from the order, so that a producer that sends it twice sends the same event."""
        return f"{self.type}-{self.order_id}"

    @property
    def attributes(self) -> dict[str, str]:
        """The SNS message attributes that filter policies see."""
        return {"type": self.type}


class OrderEvent(AboutOrder, frozen=True, forbid_unknown_fields=True):
    """What every event of an order tells: enough for a subscriber that keeps no orders of its own."""

    numbered: ClassVar[bool] = True

    placed_at: Instant
    currency: Currency
    priority: Priority
    lines: Annotated[tuple[Line, ...], Meta(min_length=1, max_length=MAX_LINES)]
    ship_to: Address

    def __post_init__(self) -> None:
        if not _is_instant(self.placed_at):  # the pattern lets 30 February through
            raise ValueError("placed_at is no date and time from 1900 to 2199")

    @property
    def attributes(self) -> dict[str, str]:
        """The SNS message attributes that filter policies see."""
        return {"type": self.type, "priority": self.priority}

    def amount(self) -> Decimal:
        """What the order costs, exact."""
        return sum((line.amount() for line in self.lines), Decimal(0))


class OrderPlaced(OrderEvent, frozen=True, forbid_unknown_fields=True):
    """A customer placed an order."""

    type: ClassVar[str] = "OrderPlaced"


class OrderCancelled(OrderEvent, frozen=True, forbid_unknown_fields=True):
    """The customer took the whole order back. It repeats the order, so that what was added can be subtracted."""

    type: ClassVar[str] = "OrderCancelled"


class Units(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many units of one product."""

    sku: Identifier
    quantity: Annotated[int, Meta(ge=1, le=MAX_LINES * 1_000_000)]


class Shortage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A product of which fewer units were in stock than an order wants."""

    sku: Identifier
    wanted: Annotated[int, Meta(ge=1, le=MAX_LINES * 1_000_000)]
    in_stock: Annotated[int, Meta(ge=0)]


class StockEvent(AboutOrder, frozen=True, forbid_unknown_fields=True):
    """What became of an order in the warehouse: a follow-up event, told once an order."""

    numbered: ClassVar[bool] = False


class StockReserved(StockEvent, frozen=True, forbid_unknown_fields=True):
    """Every line of the order is set aside for it."""

    type: ClassVar[str] = "StockReserved"

    units: Annotated[tuple[Units, ...], Meta(min_length=1, max_length=MAX_LINES)]


class StockRefused(StockEvent, frozen=True, forbid_unknown_fields=True):
    """Nothing is set aside, for at least one product of the order is short."""

    type: ClassVar[str] = "StockRefused"

    short: Annotated[tuple[Shortage, ...], Meta(min_length=1, max_length=MAX_LINES)]


Event = OrderPlaced | OrderCancelled | StockReserved | StockRefused
EventType = type[OrderPlaced] | type[OrderCancelled] | type[StockReserved] | type[StockRefused]

CATALOGUE: tuple[EventType, ...] = (OrderPlaced, OrderCancelled, StockReserved, StockRefused)


class Heartbeat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The canary's event, one a minute: it is about nothing, and proves that events are published and processed.

    Nothing happened, so it is neither in the catalogue nor an `Event`: only the canary takes it, and nobody else has to
    ask whether it got one. HEARTBEAT and `heartbeat` are for what is typed for events.
    """

    type: ClassVar[str] = "Heartbeat"
    version: ClassVar[int] = 1
    numbered: ClassVar[bool] = False

    at: Instant

    @property
    def subject(self) -> str:
        """The canary itself."""
        return "canary"

    @property
    def partition_key(self) -> str:
        """A message group of its own."""
        return "canary"

    @property
    def event_id(self) -> str:
        """Derived from its minute: EventBridge may start a publisher twice."""
        return f"{self.type}-{self.at}"

    @property
    def attributes(self) -> dict[str, str]:
        """The SNS message attributes that filter policies see."""
        return {"type": self.type}


HEARTBEAT = cast(EventType, Heartbeat)


def heartbeat(at: str) -> Event:
    """The heartbeat of a minute, given as an Instant."""
    return cast(Event, Heartbeat(at))


# (type, version) -> the data of that version as the data of the next one; `versions` applies them.
UPCASTS: Mapping[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {}


def _is_instant(text: str) -> bool:
    try:
        return 1900 <= datetime.fromisoformat(text).year < 2200
    except (ValueError, TypeError):
        return False


_PATH = re.compile(r" - at `(?P<path>[^`]*)`\Z")
_STEP = re.compile(r"\.(\w+)|\[(?:\d+|\.\.\.)\]", re.ASCII)
_OUR_NAMES = {
    name
    for each in [*globals().values()]
    if isinstance(each, type) and issubclass(each, msgspec.Struct)
    for name in each.__struct_fields__
}


def explain_invalid(error: msgspec.ValidationError) -> str:
    """The rule and the path of a validation error, without the value: msgspec quotes two kinds of input.

    An unknown field may be called like the end of such an error, so beside a quote a path must be of names of ours.
    """
    text = str(error)
    match = _PATH.search(text)
    path, rule = match["path"] if match else "$", _PATH.sub("", text)
    for quotes_input in ("Invalid enum value", "Object contains unknown field"):
        if rule.startswith(quotes_input):
            rule = quotes_input
            path = path if _is_ours(path) else "$"
    return f"{rule} at {path}"


def _is_ours(path: str) -> bool:
    return not _STEP.sub("", path).strip("$") and _OUR_NAMES.issuperset(filter(None, _STEP.findall(path)))


def dataschema(event: EventType) -> str:
    """CloudEvents' `dataschema` of one version of one type."""
    return f"urn:waybill:{event.type}:{event.version}"
