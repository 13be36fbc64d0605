"""Failure records: why an event failed, for people to read, and nothing that depends on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from messaging import items
from messaging.batch import Delivery, Ledger
from messaging.effects import Effect, Transactional, View
from messaging.errors import Poison, RetryLater
from messaging.events import OrderPlaced
from messaging.message import Message
from messaging.subscription import RESERVE_SECONDS, Subscription
from messaging.writes import MAX_ATTEMPTS
from tests.doubles import RememberingSource, Wire, lose_reply, refuse
from tests.factories import NOW, delivery, order
from tests.messaging import consuming
from tests.messaging.consuming import in_memory, outcomes
from tests.messaging.receiving import Killed

ROW = Subscription(consumer="keeper", events=(OrderPlaced,), writes=("stock",), ordering="group")
CANARY = "Frøken Kanariefugl"

Consume = Callable[..., Ledger]


def fail(message: Message[Any], _: View) -> Effect:
    """Does what the order is named for."""
    match message.event.order_id.split("-")[0]:
        case "poison":
            raise Poison("says the function")
        case "later":
            raise RetryLater("not now", delay_seconds=1)
        case "crash":
            raise ValueError(f"no {message.event.ship_to.name} here")
        case "die":
            raise Killed
        case _:
            return Effect()


@pytest.fixture
def consume(dynamodb: Wire, source: RememberingSource) -> Consume:
    def process(*deliveries: Delivery, now: float = NOW, remaining_seconds: float = 5.0) -> Ledger:
        return consuming.process(
            dynamodb,
            source,
            *deliveries,
            effects=Transactional(functions={OrderPlaced: fail}),
            subscription=ROW,
            now=now,
            remaining_seconds=lambda: remaining_seconds,
        )

    return process


def named(order_id: str, delivery_id: str | None = None, group: str | None = None, **changes: Any) -> Delivery:
    """An order of its own group, shipped to the canary."""
    address = {"name": CANARY, "city": "X", "region": None, "postal_code": None, "country": "X"}
    event = order(order_id, customer_id=group or order_id, ship_to=address)
    return delivery(event, delivery_id or f"m-{order_id}", **changes)


def failures(client: Any) -> dict[str, dict[str, Any]]:
    """The failure records by the last part of their id."""
    found = map(items.plain, client.scan(TableName="inbox")["Items"])
    return {each["id"].split("#")[2]: each for each in found if "#failure#" in each["id"]}


def test_a_failure_record_says_who_why_and_when(consume: Consume, dynamodb: Wire) -> None:
    """For a dead letter as for what is handed back."""
    consume(named("poison", attempt=1), named("later", attempt=1))
    records = failures(dynamodb)
    assert records["OrderPlaced-poison"] == {
        "id": "keeper#failure#OrderPlaced-poison",
        "consumer": "keeper",
        "delivery_id": "m-poison",
        "attempt": 1,
        "outcome": "dead_lettered",
        "reason": "poison",
        "detail": "says the function",
        "failed_at": "2026-09-21T14:13:20.000+00:00",
        "expiration": int(NOW) + ROW.retention_seconds + ROW.dead_letter_retention_seconds,
    }
    later = records["OrderPlaced-later"]
    assert (later["outcome"], later["reason"], later["detail"]) == ("retry", "RetryLater", "not now")


@pytest.mark.fault(63)
def test_no_payload_is_in_a_failure_record(consume: Consume, dynamodb: Wire) -> None:
    """Not of an exception's text, nor of what could not be decoded."""
    broken = named("1").body.replace('"USD"', f'"{CANARY}"')
    consume(named("crash"), named("poison"), delivery(broken, "broken"), delivery(f"{{{CANARY}", "text", group="t"))
    records = failures(dynamodb)
    assert records.keys() == {"OrderPlaced-crash", "OrderPlaced-poison", "broken", "text"}
    assert records["OrderPlaced-crash"]["reason"] == "ValueError"
    assert CANARY.split()[1] not in json.dumps(records, default=str, ensure_ascii=False)


def test_what_cannot_be_decoded_is_known_by_its_delivery(consume: Consume, dynamodb: Wire) -> None:
    """There is no event id to know it by."""
    consume(delivery("}{", "m7", attempt=2))
    record = failures(dynamodb)["m7"]
    assert (record["id"], record["delivery_id"], record["attempt"]) == ("keeper#failure#m7", "m7", 2)


def test_the_newest_attempt_wins(consume: Consume, dynamodb: Wire) -> None:
    """One record an event, whatever it was delivered as."""
    consume(named("later", attempt=1))
    consume(named("later", "redriven", attempt=5), now=NOW + 60)
    record = failures(dynamodb)["OrderPlaced-later"]
    assert (record["attempt"], record["delivery_id"]) == (5, "redriven")
    assert record["failed_at"] == "2026-09-21T14:14:20.000+00:00"


def test_the_same_event_twice_in_a_batch_is_one_record(source: RememberingSource) -> None:
    """DynamoDB refuses a batch that names an item twice, and with it the records of all others."""
    client = in_memory()
    effects = Transactional(functions={OrderPlaced: fail})
    batch = [named("poison", "m1"), named("poison", "m2"), named("later")]
    consuming.process(client, source, *batch, effects=effects, subscription=ROW)
    assert failures(client).keys() == {"OrderPlaced-poison", "OrderPlaced-later"}
    assert failures(client)["OrderPlaced-poison"]["delivery_id"] == "m2"


def test_what_did_not_fail_has_none(consume: Consume, dynamodb: Wire) -> None:
    """Applied, duplicate, and held back by another's failure: no call for it either."""
    consume(named("1"), named("1", "again"))
    assert dynamodb.calls == ["transact_write_items"] * 2
    ledger = consume(named("later", group="A"), named("2", group="A"))
    assert outcomes(ledger) == {"m-later": "retry", "m-2": "held_back"}
    assert failures(dynamodb).keys() == {"OrderPlaced-later"}


def test_what_nobody_began_has_none(consume: Consume, dynamodb: Wire) -> None:
    """Time that ran out is no failure of the event's."""
    consume(named("1"), remaining_seconds=RESERVE_SECONDS)
    assert dynamodb.calls == []
    with pytest.raises(Killed):
        consume(named("die", attempt=2))
    ledger = consume(named("die", attempt=3), named("1"), remaining_seconds=RESERVE_SECONDS)
    assert outcomes(ledger) == {"m-die": "retry", "m-1": "retry"}
    assert failures(dynamodb) == {}


@pytest.mark.parametrize("fault", ["refused", "lost"])
def test_a_record_that_is_not_written_changes_no_outcome(
    consume: Consume, dynamodb: Wire, source: RememberingSource, fault: str
) -> None:
    """It helps people; the queue does not depend on it."""
    if fault == "refused":
        dynamodb.before["batch_write_item"] = [refuse("AccessDeniedException")]
    else:
        dynamodb.after["batch_write_item"] = [lose_reply] * MAX_ATTEMPTS
    ledger = consume(named("poison"), named("later"), named("1"))
    assert outcomes(ledger) == {"m-poison": "dead_lettered", "m-later": "retry", "m-1": "applied"}
    assert len(source.dead_letters) == 1
    assert [list(delays) for delays in source.postponed] == [["m-later"]]
    assert dynamodb.calls.count("batch_write_item") == (1 if fault == "refused" else MAX_ATTEMPTS)


@pytest.mark.fault(35)
def test_unprocessed_records_are_written_again(consume: Consume, dynamodb: Wire) -> None:
    """DynamoDB leaves some of a batch undone without an error."""
    sent: list[dict[str, Any]] = []
    dynamodb.before["batch_write_item"] = [sent.append]
    consume(named("poison-1"), named("poison-2"))
    unprocessed = {"inbox": sent[0]["RequestItems"]["inbox"][1:]}
    client = {item["id"]["S"] for item in dynamodb.scan(TableName="inbox")["Items"]}
    for each in client:
        dynamodb.delete_item(TableName="inbox", Key={"id": {"S": each}})
    dynamodb.calls.clear()
    dynamodb.replies["batch_write_item"] = [{"UnprocessedItems": unprocessed}]
    consume(named("poison-1"), named("poison-2"))
    assert dynamodb.calls.count("batch_write_item") == 2
    assert failures(dynamodb).keys() == {"OrderPlaced-poison-2"}  # the first was taken by the reply that we made up


def test_many_failures_take_a_call_for_each_25(consume: Consume, dynamodb: Wire) -> None:
    """BatchWriteItem's limit."""
    consume(*(named(f"poison-{n}") for n in range(60)))
    assert dynamodb.calls.count("batch_write_item") == 3
    assert len(failures(dynamodb)) == 60


def test_endlessly_unprocessed_records_are_given_up(consume: Consume, dynamodb: Wire) -> None:
    """A bounded number of calls."""
    everything: list[dict[str, Any]] = []
    dynamodb.before["batch_write_item"] = [everything.append]
    consume(named("poison"))
    dynamodb.replies["batch_write_item"] = [{"UnprocessedItems": everything[0]["RequestItems"]}] * 99
    dynamodb.calls.clear()
    assert outcomes(consume(named("poison"))) == {"m-poison": "dead_lettered"}
    assert dynamodb.calls.count("batch_write_item") <= 6
