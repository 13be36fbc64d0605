"""The outbox: a state and its events in one transaction, or neither."""

from __future__ import annotations

import msgspec
import pytest

from messaging import items
from messaging.errors import InvalidEvent, TooLarge
from messaging.identity import new_id
from messaging.outbox import MAX_ITEM_BYTES, Emission, Outbox, emissions, messages_of, new_position
from messaging.outgoing import Outgoing
from tests.doubles import Wire
from tests.factories import NOW, order

OUTBOX = Outbox(table="outbox", source="urn:shop", clock=lambda: NOW)
STATE = {
    "Put": {"TableName": "stock", "Item": {"sku": {"S": "NW-1"}}, "ConditionExpression": "attribute_not_exists(sku)"}
}


def message(number: int, *, size_bytes: int = 10, group: str = "A") -> Outgoing:
    return Outgoing(event_id=f"E-{number}", event_type="E", group=group, body="x" * size_bytes, attributes={})


def test_events_of_one_group_are_one_item_in_order() -> None:
    """Two customers, two items; what an item holds are the messages."""
    events = [order(str(n), customer_id=customer) for n, customer in enumerate("ABA")]
    first, second = (items.plain(entry["Put"]["Item"]) for entry in OUTBOX.items(events))
    assert [each.event_id for each in messages_of(first)] == ["OrderPlaced-0", "OrderPlaced-2"]
    assert [each.event_id for each in messages_of(second)] == ["OrderPlaced-1"]
    assert (first["message_group"], second["message_group"]) == ("A", "B")


@pytest.mark.fault(51)
def test_state_and_event_are_both_or_neither(dynamodb: Wire) -> None:
    """The second time the state is there already: its condition fails, and there is no second event."""
    dynamodb.transact_write_items(TransactItems=[STATE, *OUTBOX.items([order()])])
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(TransactItems=[STATE, *OUTBOX.items([order()])])
    assert dynamodb.scan(TableName="outbox")["Count"] == 1


def test_later_transactions_sort_after_earlier_ones() -> None:
    """Positions begin with the time, in one format, and no two are the same."""
    positions = [new_position(NOW + step, "a") for step in (0, 0.001, 1, 3600)]
    assert positions == sorted(positions)
    assert positions[0].startswith("2026-09-21T14:13:20.000+00:00#")
    assert new_position(NOW, new_id()) != new_position(NOW, new_id())


def test_more_of_one_group_than_an_item_holds_needs_more_transactions() -> None:
    """Two items of one transaction would have no order in the stream; other groups have items of their own."""
    events = [order(str(n), lines=[{**LINE, "sku": f"{'S' * 60}{k}"} for k in range(90)]) for n in range(40)]
    with pytest.raises(TooLarge, match="two transactions"):
        OUTBOX.items(events)
    spread = [msgspec.structs.replace(event, customer_id=f"C{n % 4}") for n, event in enumerate(events)]
    written = [items.plain(entry["Put"]["Item"]) for entry in OUTBOX.items(spread)]
    assert len(written) == 4
    assert all(sum(each.size_bytes for each in messages_of(item)) <= MAX_ITEM_BYTES for item in written)


LINE = {"sku": "S", "quantity": 1, "unit_price": "1.00", "discount": "0"}


def test_emissions_of_one_key_merge_up_to_the_limit() -> None:
    """Past it there is no merged one."""
    first, second = emissions([message(1), message(2)], "p")
    merged = first.merged(second)
    assert merged == Emission(first.key, (message(1), message(2)))
    (large,) = emissions([message(3, size_bytes=MAX_ITEM_BYTES)], "p")
    assert first.merged(large) is None


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"id": "has space", "type": "T", "body": "x", "attributes": {}},
        {"id": "x" * 129, "type": "T", "body": "x", "attributes": {}},
        {"id": "x", "type": "T", "body": "", "attributes": {}},
        {"id": "x", "type": "T", "body": 1, "attributes": {}},
        {"id": "x", "type": "T", "body": "x", "attributes": {"priority": ""}},
    ],
)
def test_what_no_topic_takes_is_no_message(entry: dict[str, object]) -> None:
    """SNS would refuse the whole request for it, and its neighbours with it."""
    with pytest.raises(InvalidEvent, match="does not hold messages"):
        messages_of({"message_group": "A", "messages": [entry]})
