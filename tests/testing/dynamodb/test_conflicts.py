"""Genuine conflicts: a transaction between its two steps has its items for itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from testing.dynamodb import ARRIVES, LEAVES, PREPARED, Client, Store
from tests.testing.dynamodb.wireformat import at, plain, put, reasons_of, refusal, update

ONE = {":v": 1}


def add(key: str) -> dict[str, Any]:
    return {"Update": update("ADD n :v", ONE, id=key)}


@pytest.fixture
def in_flight(store: Store, client: Client) -> Callable[[], Any]:
    """A prepared transaction that adds to `a` and checks `c`; call it to commit."""
    client.put_item(**put(id="a", n=1))
    check = {"ConditionCheck": {**at(id="c"), "ConditionExpression": "attribute_not_exists(id)"}}
    prepared = store.prepare({"TransactItems": [add("a"), check]})
    return lambda: store.commit(prepared)


def test_a_second_transaction_is_cancelled_for_the_items_in_flight(client: Client, in_flight: Any) -> None:
    """The reason is TransactionConflict for the touched items, checked ones too, and others get their own."""
    failing = {"Delete": {**at(id="d"), "ConditionExpression": "attribute_exists(id)"}}
    error = refusal(client.transact_write_items, TransactItems=[add("b"), add("a"), failing, {"Put": put(id="c")}])
    assert reasons_of(error) == ["None", "TransactionConflict", "ConditionalCheckFailed", "TransactionConflict"]
    assert error.response["CancellationReasons"][1]["Message"] == "Transaction is ongoing for the item"
    assert "Item" not in client.get_item(**at(id="b"))


def test_single_writes_are_refused_while_their_item_is_in_flight(client: Client, in_flight: Any) -> None:
    """Put, update and delete raise TransactionConflictException, even where their condition would fail too."""
    for call, request in (
        (client.put_item, {**put(id="a"), "ConditionExpression": "attribute_not_exists(id)"}),
        (client.update_item, update("ADD n :v", ONE, id="a")),
        (client.delete_item, at(id="c")),
    ):
        assert isinstance(refusal(call, **request), client.exceptions.TransactionConflictException)
    in_flight()
    client.update_item(**update("ADD n :v", ONE, id="a"))
    assert plain(client.get_item(**at(id="a"))["Item"]) == {"id": "a", "n": 3}


def test_batches_are_refused_only_for_the_items_in_flight(client: Client, in_flight: Any) -> None:
    """BatchWriteItem leaves them unprocessed, and a PartiQL batch says TransactionConflict in their place."""
    puts = [{"PutRequest": {"Item": put(id=key)["Item"]}} for key in "ab"]
    assert client.batch_write_item(RequestItems={"plain": puts})["UnprocessedItems"] == {"plain": [puts[0]]}
    statement = "INSERT INTO \"plain\" VALUE {'id': ?}"
    reply = client.batch_execute_statement(
        Statements=[{"Statement": statement, "Parameters": [{"S": key}]} for key in "az"]
    )
    assert reply["Responses"] == [
        {
            "Error": {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"},
            "TableName": "plain",
        },
        {"TableName": "plain"},
    ]


def test_plain_reads_see_what_was_committed(client: Client, in_flight: Any) -> None:
    """They never conflict; transactional reads do."""
    before = {"id": "a", "n": 1}
    assert plain(client.get_item(**at(id="a"), ConsistentRead=True)["Item"]) == before
    assert [plain(item) for item in client.scan(TableName="plain")["Items"]] == [before]
    keys = {"plain": {"Keys": [at(id="a")["Key"]]}}
    assert plain(client.batch_get_item(RequestItems=keys)["Responses"]["plain"][0]) == before
    gets = [{"Get": at(id="b")}, {"Get": at(id="a")}]
    error = refusal(client.transact_get_items, TransactItems=gets)
    assert reasons_of(error) == ["None", "TransactionConflict"]
    in_flight()
    assert client.transact_get_items(TransactItems=gets)["Responses"][1]["Item"]["n"] == {"N": "2"}


def test_a_cancelled_or_aborted_transaction_holds_nothing(client: Client, store: Store) -> None:
    """After a cancellation and after an abort the items are free, and as they were."""
    failing = {"Delete": {**at(id="d"), "ConditionExpression": "attribute_exists(id)"}}
    refusal(client.transact_write_items, TransactItems=[add("a"), failing])
    store.abort(store.prepare({"TransactItems": [add("a"), add("b")]}))
    assert client.scan(TableName="plain")["Count"] == 0
    client.transact_write_items(TransactItems=[add("a"), add("b")])
    assert client.scan(TableName="plain")["Count"] == 2


def test_an_item_in_flight_does_not_expire(store: Store, client: Client) -> None:
    """TTL takes it some other day."""
    client.put_item(**put(id="a", expires_at=1))
    prepared = store.prepare({"TransactItems": [add("a")]})
    assert store.expire(2) == 0
    store.commit(prepared)
    assert store.expire(2) == 1


class Failure(Exception):
    """What a test's pause raises."""


@pytest.mark.parametrize(
    ("step", "was_done"), [(ARRIVES, False), (PREPARED, False), (LEAVES, True)], ids=["arrives", "prepared", "leaves"]
)
def test_what_a_pause_raises_leaves_the_store_consistent(store: Store, step: str, was_done: bool) -> None:
    """Before the commit nothing is done and nothing held; a reply that is lost leaves the work done."""

    def pause(at_step: str) -> None:
        if at_step == step:
            raise Failure

    with pytest.raises(Failure):
        Client(store, pause=pause).transact_write_items(TransactItems=[add("a")])
    client = Client(store)
    assert ("Item" in client.get_item(**at(id="a"))) is was_done
    client.transact_write_items(TransactItems=[add("a")])
    assert client.get_item(**at(id="a"))["Item"]["n"] == {"N": "2" if was_done else "1"}


def test_a_request_pauses_at_each_step(store: Store) -> None:
    """Only transactions pause between their steps, and a refused request has no reply to pause for."""
    steps: list[str] = []
    client = Client(store, pause=steps.append)
    client.transact_write_items(TransactItems=[add("a")])
    client.get_item(**at(id="a"))
    refusal(client.delete_item, **at(id="a"), ConditionExpression="attribute_not_exists(id)")
    assert steps == [ARRIVES, PREPARED, LEAVES, ARRIVES, LEAVES, ARRIVES]


@pytest.mark.parametrize("operation", ["transact_write_items", "put_item"])
def test_a_request_waits_for_the_lock_of_its_store(store: Store, operation: str) -> None:
    """Nothing happens to the store while another thread is at it."""
    request = {"TransactItems": [add("a")]} if operation == "transact_write_items" else put(id="a")
    steps: list[str] = []
    arrived = threading.Event()

    def pause(step: str) -> None:
        steps.append(step)
        arrived.set()

    thread = threading.Thread(target=getattr(Client(store, pause=pause), operation), kwargs=request)
    with store.lock:
        thread.start()
        assert arrived.wait(5)
        thread.join(0.03)
        assert steps == [ARRIVES]
        assert store.items("plain") == []
        assert store.execute("PutItem", put(id="a")) == {}, "nothing is in flight either"
    thread.join(5)
    assert steps[-1] == LEAVES


def test_threads_that_overlap_conflict(store: Store) -> None:
    """Two transactions on one item of which one waits between its steps: the other one is cancelled."""
    prepared, done = threading.Event(), threading.Event()

    def wait(step: str) -> None:
        if step == PREPARED:
            prepared.set()
            assert done.wait(5)

    with ThreadPoolExecutor() as pool:
        slow = pool.submit(Client(store, pause=wait).transact_write_items, TransactItems=[add("a")])
        assert prepared.wait(5)
        error = refusal(Client(store).transact_write_items, TransactItems=[add("a")])
        done.set()
        slow.result()
    assert reasons_of(error) == ["TransactionConflict"]


def test_no_addition_is_lost_or_doubled_over_many_threads(store: Store) -> None:
    """What was told to be done is done, once, and what was cancelled is not."""
    client = Client(store, pause=lambda _: time.sleep(0.0002))

    def work(_: int) -> int:
        done = 0
        for _ in range(15):
            try:
                client.transact_write_items(TransactItems=[add("a"), add("b")])
            except client.exceptions.TransactionCanceledException:
                continue
            done += 1
        return done

    with ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(work, range(4)))
    assert 0 < done < 60, "some must conflict, and some must not"
    assert {plain(item)["n"] for item in store.items("plain")} == {done}
