"""What a request asks to do to one item: the same for single writes, transactions and PartiQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from testing.dynamodb.errors import Refused, condition_failed, invalid
from testing.dynamodb.expressions import Predicate, RequestExpressions
from testing.dynamodb.expressions.paths import Steps
from testing.dynamodb.schema import Key, Misfit
from testing.dynamodb.table import Table
from testing.dynamodb.values import MAX_ITEM_BYTES, Item, admit_item, copy_item, item_size_bytes

TOO_LARGE = "Item size has exceeded the maximum allowed size"
UPDATE_TOO_LARGE = "Item size to update has exceeded the maximum allowed size"
OLD_ON_FAILURE = ("NONE", "ALL_OLD")

ItemId = tuple[str, Key]


@dataclass(frozen=True)
class Action:
    """One action on one item. `change` gives the new item (None: no item), `refusal` what a failed condition raises.

    `paths` are those that an update changes, None for other actions.
    """

    table: Table
    key: Key
    change: Callable[[Item | None], Item | None]
    condition: Predicate | None = None
    refusal: Callable[[Item | None], Refused] = condition_failed
    returns_old_on_failure: bool = False
    payload_bytes: int = 0
    paths: tuple[Steps, ...] | None = None

    @property
    def item_id(self) -> ItemId:
        """The item, over all tables."""
        return self.table.name, self.key

    def result(self) -> Item | None:
        """The item as it will be. Raises Refused where the condition fails or the change makes no sense."""
        old = self.table.get(self.key)
        if self.condition is not None and not self.condition(old):
            shown = copy_item(old) if old is not None and self.returns_old_on_failure else None
            raise self.refusal(shown)
        new = self.change(old)
        # Only updates make items grow; what is put was measured when it was admitted.
        if self.paths is not None and new is not None and item_size_bytes(new) > MAX_ITEM_BYTES:
            raise invalid(UPDATE_TOO_LARGE)
        return new


def put(table: Table, request: Mapping[str, Any]) -> Action:
    """Replace the whole item."""
    item = admit_item(request["Item"])
    expressions = RequestExpressions(request)
    condition = expressions.condition()
    expressions.check_all_used()
    key = table.schema.key_of_item(item)
    size = item_size_bytes(item)
    if size > MAX_ITEM_BYTES:
        raise Misfit(TOO_LARGE)
    return Action(
        table,
        key,
        lambda _: item,
        condition,
        returns_old_on_failure=_returns_old(request),
        payload_bytes=size,
    )


def update(table: Table, request: Mapping[str, Any]) -> Action:
    """Change attributes of an item, or create it."""
    expressions = RequestExpressions(request)
    condition = expressions.condition()
    change = expressions.update(table.schema.names)
    expressions.check_all_used()
    key, attributes = table.schema.key_of(request["Key"])
    return Action(
        table,
        key,
        lambda old: change.apply(old, attributes),
        condition,
        returns_old_on_failure=_returns_old(request),
        payload_bytes=_payload_bytes(request, attributes, expressions),
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
    expressions = RequestExpressions(request)
    condition = expressions.condition()
    expressions.check_all_used()
    key, attributes = table.schema.key_of(request["Key"])
    return Action(
        table,
        key,
        change,
        condition,
        returns_old_on_failure=_returns_old(request),
        payload_bytes=_payload_bytes(request, attributes, expressions),
    )


def _returns_old(request: Mapping[str, Any]) -> bool:
    wanted = request.get("ReturnValuesOnConditionCheckFailure", "NONE")
    if wanted not in OLD_ON_FAILURE:
        raise invalid(
            f"1 validation error detected: Value '{wanted}' at 'returnValuesOnConditionCheckFailure' failed to satisfy "
            "constraint: Member must satisfy enum value set: [ALL_OLD, NONE]"
        )
    return bool(wanted == "ALL_OLD")


def _payload_bytes(request: Mapping[str, Any], key: Item, expressions: RequestExpressions) -> int:
    texts = sum(len(request.get(name) or "") for name in ("UpdateExpression", "ConditionExpression"))
    return item_size_bytes(key) + expressions.scope.size_bytes() + texts
