"""A statement with its parameters becomes an action on one item, or a read.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.update.html and its neighbours
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from testing.dynamodb.actions import TOO_LARGE, Action
from testing.dynamodb.errors import Refused, invalid
from testing.dynamodb.expressions import NO_VALUES, Predicate, Values
from testing.dynamodb.expressions.paths import Steps
from testing.dynamodb.partiql.meaning import Meaning, meaning_of
from testing.dynamodb.partiql.statements import DELETE, INSERT, SELECT, Statement, parse_statement
from testing.dynamodb.schema import Key
from testing.dynamodb.table import Table
from testing.dynamodb.values import MAX_ITEM_BYTES, Item, Value, admit_each, item_size_bytes, readmit

TableOf = Callable[[str], Table]
NO_KEY = "Where clause does not contain a mandatory equality on all key attributes"


@dataclass(frozen=True, slots=True)
class Read:
    """A SELECT: of one item where `key` is known, else of a table."""

    table: Table
    key: Key | None
    meets: Predicate | None
    values: Values
    projection: tuple[Steps, ...] | None


@dataclass(frozen=True, slots=True)
class Write:
    """An INSERT, UPDATE or DELETE, and what it returns."""

    action: Action
    returning: str


def bind(table_of: TableOf, request: Mapping[str, Any]) -> Read | Write:
    """The statement of a request, ready to run. Raises Refused where it makes no sense."""
    statement = parse_statement(request["Statement"])
    parameters = admit_each(request.get("Parameters") or ())
    if len(parameters) != statement.parameter_count:
        raise invalid("Number of parameters in request and statement don't match.")
    values: Values = {name: literal(parameters) for name, literal in statement.values}
    if statement.composes:
        values = {name: readmit(value) for name, value in values.items()}
    table = table_of(statement.table)
    if statement.kind == INSERT:
        return Write(_insert(statement, parameters, table), "NONE")
    meaning = meaning_of(request["Statement"], values, table.schema.names)
    if statement.kind == SELECT:
        return _select(meaning, values, table)
    returns_old = request.get("ReturnValuesOnConditionCheckFailure", "NONE") == "ALL_OLD"
    return Write(_change(statement, meaning, values, table, returns_old=returns_old), statement.returning)


def _insert(statement: Statement, parameters: Sequence[Value], table: Table) -> Action:
    assert statement.item is not None
    kind, item = statement.item(parameters)
    if kind != "M":
        raise invalid("Statement wasn't well formed, can't be processed: INSERT needs a map")
    if statement.composes:
        item = {name: readmit(value) for name, value in item.items()}
    size_bytes = item_size_bytes(item)
    if size_bytes > MAX_ITEM_BYTES:
        raise invalid(TOO_LARGE)
    key = table.schema.key_of_item(item)
    return Action(table, key, lambda _: item, _is_new, NO_VALUES, refusal=_duplicate, put_bytes=size_bytes)


def _is_new(old: Item | None, _: Values) -> bool:
    return old is None


def _duplicate(_: object) -> Refused:
    return Refused("DuplicateItemException", "Duplicate primary key exists in table")


def _change(statement: Statement, meaning: Meaning, values: Values, table: Table, *, returns_old: bool) -> Action:
    """An UPDATE never creates an item; a DELETE of one that is not there succeeds, whatever else WHERE says."""
    attributes = _key_attributes(meaning, values)
    if attributes is None:
        raise invalid(NO_KEY)
    key = table.schema.key_of_admitted(attributes)
    change, meets = meaning.change, meaning.meets
    assert meets is not None
    if statement.kind == DELETE:
        return Action(
            table,
            key,
            lambda _: None,
            lambda old, values: old is None or meets(old, values),
            values,
            returns_old_on_failure=returns_old,
        )
    return Action(
        table,
        key,
        lambda old: change.apply(old, attributes, values),
        lambda old, values: old is not None and meets(old, values),
        values,
        returns_old_on_failure=returns_old,
        paths=change.paths,
    )


def _select(meaning: Meaning, values: Values, table: Table) -> Read:
    attributes = _key_attributes(meaning, values)
    key = None if attributes is None else table.schema.key_of_admitted(attributes)
    return Read(table, key, meaning.meets, values, meaning.projection)


def _key_attributes(meaning: Meaning, values: Values) -> Item | None:
    if meaning.key is None:
        return None
    return {name: values[reference] for name, reference in meaning.key}
