"""Callbacks for what is written to a table."""

from __future__ import annotations

import pytest

from testing.dynamodb import Change, Client, Store
from tests.testing.dynamodb.conftest import Clock
from tests.testing.dynamodb.wireformat import at, put, refusal, update, wire


def watched(store: Store, *tables: str) -> list[Change]:
    """What the store tells of these tables, from now on."""
    told: list[Change] = []
    for table in tables:
        store.watch(table, told.append)
    return told


def test_each_change_is_told_with_both_items(client: Client, store: Store, clock: Clock) -> None:
    """As replies show them, with the time of the write; None stands for no item. The table needs no stream."""
    told = watched(store, "sorted")
    client.put_item(**put("sorted", id="a", at=1, tags={"x"}))
    clock.now += 5
    client.batch_write_item(RequestItems={"sorted": [{"DeleteRequest": {"Key": wire({"id": "a", "at": 1})}}]})
    item = wire({"id": "a", "at": 1, "tags": {"x"}})
    assert [(each.old, each.new, each.at) for each in told] == [(None, item, clock.now - 5), (item, None, clock.now)]
    assert not any(each.expired for each in told)


def test_statements_are_told_too(client: Client, store: Store) -> None:
    """PartiQL writes to the same items."""
    told = watched(store, "plain")
    client.execute_statement(Statement="INSERT INTO plain VALUE {'id': 'a', 'n': 1}")
    client.execute_statement(Statement="UPDATE plain SET n = 2 WHERE id = 'a'")
    assert [each.new for each in told] == [wire({"id": "a", "n": 1}), wire({"id": "a", "n": 2})]


def test_a_write_that_changes_nothing_is_not_told(client: Client, store: Store) -> None:
    """Neither the same item again, nor what was refused, checked or aborted, nor another table's change."""
    client.put_item(**put(id="a", n=1))
    told = watched(store, "plain")
    client.put_item(**put(id="a", n=1))
    client.put_item(**put("sorted", id="a", at=1))
    refusal(client.put_item, **put(id="a"), ConditionExpression="attribute_not_exists(id)")
    check = {"ConditionCheck": {**at(id="a"), "ConditionExpression": "attribute_exists(id)"}}
    client.transact_write_items(TransactItems=[check])
    store.abort(store.prepare({"TransactItems": [{"Put": put(id="b")}]}))
    assert told == []


def test_a_transaction_is_told_when_all_of_it_is_written(client: Client, store: Store) -> None:
    """In the order of its actions, over all tables; whoever is told sees every item of it."""
    seen: list[tuple[object, int]] = []
    for table in ("plain", "sorted"):
        store.watch(table, lambda each: seen.append((each.new, len(store.items("plain")))))
    prepared = store.prepare(
        {"TransactItems": [{"Put": put(id="a")}, {"Put": put("sorted", id="s", at=1)}, {"Put": put(id="b")}]}
    )
    assert seen == []
    store.commit(prepared)
    assert seen == [(wire({"id": "a"}), 2), (wire({"id": "s", "at": 1}), 2), (wire({"id": "b"}), 2)]


def test_what_expires_is_told_as_such(client: Client, store: Store) -> None:
    """It was no request that removed the item."""
    client.put_item(**put(id="a", expires_at=1))
    told = watched(store, "plain")
    store.expire(2)
    assert [(each.new, each.at, each.expired) for each in told] == [(None, 2, True)]


def test_what_is_told_stays_as_it_was(client: Client, store: Store) -> None:
    """A later write does not change it, and whoever is told may change what he gets."""
    told = watched(store, "plain")
    client.put_item(**put(id="a", n=1))
    client.update_item(**update("SET n = :v", {":v": 2}, id="a"))
    shown = told[0].new
    assert shown is not None
    shown.clear()
    assert told[0].new == wire({"id": "a", "n": 1})
    assert client.get_item(**at(id="a"))["Item"] == wire({"id": "a", "n": 2})


def test_a_write_is_done_although_a_callback_raises(client: Client, store: Store) -> None:
    """The error goes to whoever wrote."""

    def fail(_: Change) -> None:
        raise ArithmeticError

    store.watch("plain", fail)
    with pytest.raises(ArithmeticError):
        client.put_item(**put(id="a"))
    assert store.items("plain") == [wire({"id": "a"})]
    assert client.get_item(**at(id="a"))["Item"] == wire({"id": "a"}), "the lock was let go"
