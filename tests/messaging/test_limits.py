"""DynamoDB's and SNS's limits: what no retry makes fit is dead-lettered alone, and says what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from messaging.batch import Delivery
from messaging.effects import Change, Create, Effect, Key, Transactional, View
from messaging.events import OrderPlaced, StockEvent
from messaging.message import MAX_BODY_BYTES, Message
from messaging.subscription import Subscription
from messaging.transaction import MAX_ACTIONS
from tests.doubles import RememberingSource
from tests.factories import delivery, order
from tests.messaging.consuming import in_memory, outcomes, process

KIB = 1024
MAX_ITEM_BYTES = 400 * KIB


class Letter(StockEvent, frozen=True, forbid_unknown_fields=True):
    """An event that may be of any size, as none of the catalogue's is."""

    type: ClassVar[str] = "Letter"

    text: str


EMITS: tuple[Any, ...] = (Letter,)
ROW = Subscription(consumer="keeper", events=(OrderPlaced,), writes=("stock",), emits=EMITS)


def batch(*order_ids: str) -> list[Delivery]:
    return [delivery(order(each), f"m{each}", fifo=False) for each in order_ids]


def small(message: Message[OrderPlaced]) -> Effect:
    return Effect((Create(Key("stock", message.event.order_id), {"units": 1}),))


def items_of(size_bytes: int, count: int) -> Callable[[Message[OrderPlaced]], Effect]:
    """Writes so many items of about that size for an order."""
    text = "x" * (size_bytes - 100)
    return lambda message: Effect(
        tuple(Create(Key("stock", f"{message.event.order_id}-{n}"), {"text": text}) for n in range(count))
    )


def changed_to(size_bytes: int) -> Callable[[Message[OrderPlaced]], Effect]:
    """Makes an item that is there too large."""
    return lambda _: Effect((Change(Key("stock", "there"), {"more": "x" * size_bytes}, expected={"units": 1}),))


def followed_by(*customer_ids: str, size_bytes: int) -> Callable[[Message[OrderPlaced]], Effect]:
    """Tells these customers something of about that size."""

    def effect(message: Message[OrderPlaced]) -> Effect:
        letters: Any = (
            Letter(f"{message.event.order_id}-{number}", customer_id, "x" * (size_bytes - KIB))
            for number, customer_id in enumerate(customer_ids)
        )
        return Effect(small(message).writes, tuple(letters))

    return effect


ONE_TOO_LARGE = {
    "item": (items_of(MAX_ITEM_BYTES + KIB, 1), "OrderPlaced-big", "400 KB", "elsewhere"),
    "changed item": (changed_to(MAX_ITEM_BYTES), "OrderPlaced-big", "400 KB", "elsewhere"),
    "transaction": (items_of(60 * KIB, 80), "OrderPlaced-big", "4 MB", "split the event"),
    "actions": (items_of(KIB, MAX_ACTIONS), "OrderPlaced-big", str(MAX_ACTIONS), "split the event"),
    "follow-up": (followed_by("A", size_bytes=258 * KIB), "Letter-big-0", str(MAX_BODY_BYTES), "elsewhere"),
    "follow-ups": (followed_by("A", "A", size_bytes=160 * KIB), "OrderPlaced-big", "300 KiB", "elsewhere"),
}


@pytest.mark.fault(39)
@pytest.mark.parametrize(("effect", "event_id", "limit", "way_out"), ONE_TOO_LARGE.values(), ids=ONE_TOO_LARGE)
@pytest.mark.parametrize("position", [0, 1, 2])
def test_what_no_retry_makes_fit_is_dead_lettered_alone(
    source: RememberingSource,
    effect: Callable[[Message[OrderPlaced]], Effect],
    event_id: str,
    limit: str,
    way_out: str,
    position: int,
) -> None:
    """Its detail names the event, the limit and the way out; its batch mates are applied, wherever it stands."""
    client = in_memory()
    client.put_item(TableName="stock", Item={"sku": {"S": "there"}, "units": {"N": "1"}})

    def function(message: Message[Any], _: View) -> Effect:
        return effect(message) if message.event.order_id == "big" else small(message)

    order_ids = ["1", "2"]
    order_ids.insert(position, "big")
    effects = Transactional(functions={OrderPlaced: function})
    ledger = process(client, source, *batch(*order_ids), effects=effects, subscription=ROW)
    assert outcomes(ledger) == {f"m{each}": "dead_lettered" if each == "big" else "applied" for each in order_ids}
    ((dead, facts),) = source.dead_letters
    assert (dead.id, facts["reason"]) == ("mbig", "too_large")
    for part in (event_id, limit, way_out):
        assert part in facts["detail"], facts["detail"]
    assert {item["sku"]["S"] for item in client.scan(TableName="stock")["Items"]} == {"there", "1", "2"}
    assert client.scan(TableName="outbox")["Items"] == []


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    "effect",
    [
        items_of(MAX_ITEM_BYTES - KIB, 1),
        items_of(50 * KIB, 80),
        items_of(KIB, MAX_ACTIONS - 1),  # and the marker
        followed_by("A", size_bytes=256 * KIB),
        followed_by("A", "B", size_bytes=160 * KIB),
    ],
    ids=["item", "transaction", "actions", "follow-up", "follow-ups of two groups"],
)
def test_what_just_fits_is_applied(source: RememberingSource, effect: Callable[[Message[OrderPlaced]], Effect]) -> None:
    """And what is too much together goes one after the other."""
    effects = Transactional(functions={OrderPlaced: lambda message, _: effect(message)})
    ledger = process(in_memory(), source, *batch("1", "2", "3"), effects=effects, subscription=ROW)
    assert set(outcomes(ledger).values()) == {"applied"}
    assert source.dead_letters == []
