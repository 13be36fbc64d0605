"""What a request asks to do to one item: the same for single writes, transactions and PartiQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from testing.dynamodb.errors import Refused, condition_failed, invalid
from testing.dynamodb.expressions import Predicate, Values, bind_condition, bind_update
from testing.dynamodb.expressions.paths import Steps
from testing.dynamodb.schema import Key, Misfit
from testing.dynamodb.table import Table
from testing.dynamodb.values import MAX_ITEM_BYTES, Item, admit_item, item_size_bytes, show_item

TOO_LARGE = "Item size has exceeded the maximum allowed size"
UPDATE_TOO_LARGE = "Item size to update has exceeded the maximum allowed size"
OLD_ON_FAILURE = ("NONE", "ALL_OLD")

ItemId = tuple[str, Key]


@dataclass(slots=True, eq=False)
class Action:
    """One action on one item. `change` gives the new item (None: no item), `refusal` what a failed condition raises.

    `put_bytes` is the size of what is put, None for other actions; `paths` are those that an update changes, None for
    other actions. `item_id` is the item, over all tables.
    """

    table: Table
    key: Key
    change: Callable[[Item | None], Item | None]
    condition: Predicate | None
    values: Values
    refusal: Callable[[dict[str, Any] | None], Refused] = condition_failed
    returns_old_on_failure: bool = False
    payload_bytes: int = 0
    put_bytes: int | None = None
    paths: tuple[Steps, ...] | None = None
    item_id: ItemId = field(init=False)

    def __post_init__(self) -> None:
        self.item_id = (self.table.name, self.key)

    def result(self) -> tuple[Item | None, int]:
        """The item as it will be, and the bytes that count for the write: those of the larger of both items.

        Raises Refused where the condition fails or the change makes no sense.
        """
        old = self.table.get(self.key)
        if self.condition is not None and not self.condition(old, self.values):
            raise self.refusal(show_item(old) if old is not None and self.returns_old_on_failure else None)
        new = self.change(old)
        size_bytes = item_size_bytes(new) if self.put_bytes is None else self.put_bytes
        # Only updates make items grow; what is put was measured when it was admitted.
        if self.paths is not None and size_bytes > MAX_ITEM_BYTES:
            raise invalid(UPDATE_TOO_LARGE)
        return new, max(size_bytes, item_size_bytes(old))


def put(table: Table, request: Mapping[str, Any]) -> Action:
    """Replace the whole item."""
    item = admit_item(request["Item"])
    (condition,), values = bind_condition(request)
    key = table.schema.key_of_item(item)
    size_bytes = item_size_bytes(item)
    if size_bytes > MAX_ITEM_BYTES:
        raise Misfit(TOO_LARGE)
    return Action(
        table,
        key,
        lambda _: item,
        condition,
        values,
        returns_old_on_failure=_returns_old(request),
        payload_bytes=size_bytes,
        put_bytes=size_bytes,
    )


def update(table: Table, request: Mapping[str, Any]) -> Action:
    """Change attributes of an item, or create it."""
    (condition, change), values = bind_update(request, table.schema.names)
    key, attributes = table.schema.key_of(request["Key"])
    return Action(
        table,
        key,
        lambda old: change.apply(old, attributes, values),
        condition,
        values,
        returns_old_on_failure=_returns_old(request),
        payload_bytes=_payload_bytes(request, attributes, values),
        paths=change.paths,
    )


def delete(table: Table, request: Mapping[str, Any]) -> Action:
    """Remove an item; one that is not there is no error."""
    return _by_key(table, request, lambda _: None)


def check(table: Table, request: Mapping[str, Any]) -> Action:
    """Only the condition, within a transaction."""
    if request.get("ConditionExpression") is None:
        raise invalid(
            "1 validation error detected: Value null at 'transactItems.1.member.conditionCheck.conditionExpression' "
            "failed to satisfy constraint: Member must not be null"
        )
    return _by_key(table, request, lambda old: old)


def _by_key(table: Table, request: Mapping[str, Any], change: Callable[[Item | None], Item | None]) -> Action:
    (condition,), values = bind_condition(request)
    key, attributes = table.schema.key_of(request["Key"])
    return Action(
        table,
        key,
        change,
        condition,
        values,
        returns_old_on_failure=_returns_old(request),
        payload_bytes=_payload_bytes(request, attributes, values),
    )


def _returns_old(request: Mapping[str, Any]) -> bool:
    wanted = request.get("ReturnValuesOnConditionCheckFailure", "NONE")
    if wanted not in OLD_ON_FAILURE:
        raise invalid(
            f"1 validation error detected: Value '{wanted}' at 'returnValuesOnConditionCheckFailure' failed to satisfy "
            "constraint: Member must satisfy enum value set: [ALL_OLD, NONE]"
        )
    return bool(wanted == "ALL_OLD")


def _payload_bytes(request: Mapping[str, Any], key: Item, values: Values) -> int:
    texts = len(request.get("UpdateExpression") or "") + len(request.get("ConditionExpression") or "")
    return item_size_bytes(key) + item_size_bytes(values) + texts
