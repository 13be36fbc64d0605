"""Transactions: what merges, what waits, and how reads and reasons are understood."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.batch import Work
from messaging.effects import Add, Change, Create, Effect, Key, View, Write
from messaging.errors import UndeclaredRead
from messaging.inbox import Inbox
from messaging.message import decode
from messaging.reads import Reader
from messaging.reasons import Result
from messaging.tables import EXPIRATION, TABLES
from messaging.topology import ORDERS
from messaging.transaction import Unit
from tests.doubles import Wire
from tests.factories import NOW, body, delivery, order

INVENTORY = ORDERS.subscription("inventory")


@pytest.fixture
def dynamodb(moto_dynamodb: Wire) -> Wire:
    """Here the requests themselves are the matter, so botocore sees them."""
    return moto_dynamodb


@pytest.fixture
def inbox(dynamodb: Wire) -> Inbox:
    names = {table.name: table.name for table in TABLES}
    reader = Reader(dynamodb, tables=names, sleep=lambda _: None)
    return Inbox(dynamodb, tables=names, subscription=INVENTORY, reader=reader, clock=lambda: NOW)


def unit(order_id: str, *writes: Write) -> Unit:
    event = order(order_id)
    return Unit(Work(delivery(event, f"m{order_id}"), decode(body(event))), Effect(writes))


def test_the_marker_tells_who_applied_what_and_expires_late(inbox: Inbox, dynamodb: Wire) -> None:
    """Its id is consumer and event, its life what the subscription derives."""
    transaction = inbox.transaction(items_mark=True)
    transaction.offer(unit("1"))
    assert inbox.commit(transaction) == [Result.APPLIED]
    (marker,) = dynamodb.scan(TableName="inbox")["Items"]
    assert marker["id"] == {"S": "inventory#OrderPlaced-1"}
    assert marker["delivery_id"] == {"S": "m1"}
    assert int(marker[EXPIRATION]["N"]) == int(NOW) + INVENTORY.marker_lifetime_seconds


@pytest.mark.fault(22)
def test_effects_and_marker_are_all_or_nothing(inbox: Inbox, dynamodb: Wire) -> None:
    """A condition that fails leaves no marker, no effect, and names the guilty unit."""
    transaction = inbox.transaction(items_mark=True)
    key = Key("stock", "NW-1")
    assert transaction.offer(unit("1", Add(key, "units", -1, needs=1)))
    assert transaction.offer(unit("2"))
    assert inbox.commit(transaction) == [Result.CONDITION_FAILED, Result.INNOCENT]
    assert dynamodb.scan(TableName="inbox")["Count"] == 0


def test_additions_to_one_item_merge(inbox: Inbox, dynamodb: Wire) -> None:
    """Two units, three actions: two markers and one addition."""
    dynamodb.put_item(TableName="stock", Item={"sku": {"S": "NW-1"}, "units": {"N": "5"}})
    transaction = inbox.transaction(items_mark=True)
    key = Key("stock", "NW-1")
    assert transaction.offer(unit("1", Add(key, "units", -2, needs=2)))
    assert transaction.offer(unit("2", Add(key, "units", -3, needs=3)))
    assert len(transaction.actions) == 3
    assert inbox.commit(transaction) == [Result.APPLIED] * 2
    assert dynamodb.scan(TableName="stock")["Items"][0]["units"] == {"N": "0"}


def test_a_merged_addition_may_make_its_item(inbox: Inbox, dynamodb: Wire) -> None:
    """Five more, then three less, on an item that is not there yet: it counts from zero, as each alone would."""
    transaction = inbox.transaction(items_mark=True)
    key = Key("stock", "NEW")
    transaction.offer(unit("1", Add(key, "units", 5)))
    transaction.offer(unit("2", Add(key, "units", -3, needs=3)))
    assert inbox.commit(transaction) == [Result.APPLIED] * 2
    assert dynamodb.scan(TableName="stock")["Items"][0]["units"] == {"N": "2"}


def test_what_is_no_write_shows_when_it_is_offered(inbox: Inbox) -> None:
    """A float, a key without its sort key, a table of nobody: the transaction stays as it was."""
    transaction = inbox.transaction(items_mark=True)
    for write in (
        Create(Key("stock", "A"), {"units": 0.5}),
        Create(Key("orders", "1"), {}),
        Create(Key("nowhere", "1"), {}),
    ):
        with pytest.raises((TypeError, ValueError, KeyError)):
            transaction.offer(unit("1", write))
    assert (transaction.units, transaction.actions) == ([], [])


def test_what_does_not_commute_waits(inbox: Inbox) -> None:
    """A second create, a change, or an addition to another attribute of the item goes into a later transaction."""
    key = Key("reservations", "1")
    transaction = inbox.transaction(items_mark=True)
    assert transaction.offer(unit("1", Create(key, {})))
    assert not transaction.offer(unit("2", Create(key, {})))
    assert not transaction.offer(unit("3", Change(key, {"status": "x"}, {"status": "y"})))
    assert not transaction.offer(unit("4", Add(key, "units", 1)))
    assert [each.work.message.id for each in transaction.units] == ["OrderPlaced-1"]


def test_a_change_needs_what_it_expects(inbox: Inbox, dynamodb: Wire) -> None:
    """Compare-and-set on attributes."""
    dynamodb.put_item(TableName="reservations", Item={"order_id": {"S": "1"}, "status": {"S": "reserved"}})
    key = Key("reservations", "1")
    for expected, result in (("refused", Result.CONDITION_FAILED), ("reserved", Result.APPLIED)):
        transaction = inbox.transaction(items_mark=True)
        transaction.offer(unit("1", Change(key, {"status": "cancelled", "lines": {}}, {"status": expected})))
        assert inbox.commit(transaction) == [result]
    assert dynamodb.scan(TableName="reservations")["Items"][0]["status"] == {"S": "cancelled"}


def test_decimals_stay_exact(inbox: Inbox, dynamodb: Wire) -> None:
    """Revenue never passes through a float."""
    for order_id, amount in (("1", Decimal("0.10")), ("2", Decimal("0.2003"))):
        transaction = inbox.transaction(items_mark=True)
        transaction.offer(unit(order_id, Add(Key("revenue", "d#c", "0"), "amount", amount)))
        inbox.commit(transaction)
    assert dynamodb.scan(TableName="revenue")["Items"][0]["amount"] == {"N": "0.3003"}


def test_a_view_shows_declared_items_with_what_was_applied() -> None:
    """Additions add up, creations appear, undeclared keys are an error."""
    stock, reservation = Key("stock", "A"), Key("reservations", "1")
    view = View({stock: {"units": Decimal(5)}, reservation: None})
    writes: list[Write] = [
        Add(stock, "units", -2),
        Create(reservation, {"status": "reserved"}),
        Add(Key("stock", "B"), "units", 1),
    ]
    changed = view.after(writes)
    assert view.get(stock) == {"units": 5}
    view.update(changed)
    assert view.get(stock) == {"units": 3}
    assert view.get(reservation) == {"status": "reserved"}
    with pytest.raises(UndeclaredRead):
        view.get(Key("stock", "B"))


@pytest.mark.parametrize("key", [Key("orders", "1"), Key("stock", "1", "2")])
def test_a_key_must_fit_its_table(key: Key) -> None:
    """Sort keys are neither forgotten nor invented."""
    with pytest.raises(ValueError, match="sort key"):
        _ = key.attributes


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=8), st.integers(0, 20))
def test_a_merged_addition_allows_exactly_what_the_single_ones_would(amounts: list[int], start: int) -> None:
    """Taking n needs n: the merged condition holds just when every step in order would have held."""
    adds = [Add(Key("stock", "A"), "units", amount, needs=-amount if amount < 0 else None) for amount in amounts]
    merged, level, possible = adds[0], start, True
    for later in adds[1:]:
        merged = merged.merged(later)
    for amount in amounts:
        level += amount
        possible = possible and (amount >= 0 or level >= 0)
    assert (merged.needs is None or start >= merged.needs) is possible
    assert merged.amount == sum(amounts)


@pytest.mark.fault(1, 23)
def test_a_matching_marker_outranks_every_other_reason(inbox: Inbox, dynamodb: Wire) -> None:
    """An applied event whose conditions no longer hold is a duplicate, not a failure."""
    dynamodb.put_item(TableName="stock", Item={"sku": {"S": "A"}, "units": {"N": "1"}})
    take: Any = Add(Key("stock", "A"), "units", -1, needs=1)
    results = []
    for delivery_id in ("m1", "m1", "m2"):
        transaction = inbox.transaction(items_mark=True)
        work = Work(delivery(order(), delivery_id), decode(body(order())))
        transaction.offer(Unit(work, Effect((take,))))
        results += inbox.commit(transaction)
    assert results == [Result.APPLIED, Result.APPLIED, Result.DUPLICATE]
