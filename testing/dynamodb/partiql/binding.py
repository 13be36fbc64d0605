"""A statement with its parameters becomes an action on one item, or a read.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.update.html and its neighbours
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from testing.dynamodb.actions import TOO_LARGE, Action
from testing.dynamodb.errors import Refused, invalid
from testing.dynamodb.expressions.changes import bind_update
from testing.dynamodb.expressions.evaluation import Predicate, bind_condition
from testing.dynamodb.expressions.nodes import Comparison, Path, ValueRef
from testing.dynamodb.expressions.paths import Steps
from testing.dynamodb.expressions.scope import Scope
from testing.dynamodb.expressions.walk import conjuncts, has_or
from testing.dynamodb.partiql.statements import DELETE, INSERT, SELECT, Statement, parse_statement
from testing.dynamodb.schema import Key
from testing.dynamodb.table import Table
from testing.dynamodb.values import MAX_ITEM_BYTES, Item, Value, admit, admit_item, item_size_bytes

TableOf = Callable[[str], Table]
WHERE = "WHERE"
NO_KEY = "Where clause does not contain a mandatory equality on all key attributes"


@dataclass(frozen=True)
class Read:
    """A SELECT: of one item where `key` is known, else of a table."""

    table: Table
    key: Key | None
    meets: Predicate | None
    projection: tuple[Steps, ...] | None


@dataclass(frozen=True)
class Write:
    """An INSERT, UPDATE or DELETE, and what it returns."""

    action: Action
    returning: str


def bind(table_of: TableOf, request: Mapping[str, Any]) -> Read | Write:
    """The statement of a request, ready to run. Raises Refused where it makes no sense."""
    statement = parse_statement(request["Statement"])
    parameters = [admit(value) for value in request.get("Parameters") or []]
    if len(parameters) != statement.parameter_count:
        raise invalid("Number of parameters in request and statement don't match.")
    scope = Scope(values={name: literal(parameters) for name, literal in statement.values})
    table = table_of(statement.table)
    if statement.kind == SELECT:
        return _select(statement, scope, table)
    returns_old = request.get("ReturnValuesOnConditionCheckFailure", "NONE") == "ALL_OLD"
    if statement.kind == INSERT:
        return Write(_insert(statement, parameters, table), "NONE")
    return Write(_change(statement, scope, table, returns_old=returns_old), statement.returning)


def _insert(statement: Statement, parameters: Sequence[Value], table: Table) -> Action:
    assert statement.item is not None
    value = statement.item(parameters)
    if "M" not in value:
        raise invalid("Statement wasn't well formed, can't be processed: INSERT needs a map")
    item = admit_item(value["M"])
    if item_size_bytes(item) > MAX_ITEM_BYTES:
        raise invalid(TOO_LARGE)
    key = table.schema.key_of_item(item)
    return Action(table, key, lambda _: item, lambda old: old is None, refusal=lambda _: _duplicate())


def _duplicate() -> Refused:
    return Refused("DuplicateItemException", "Duplicate primary key exists in table")


def _change(statement: Statement, scope: Scope, table: Table, *, returns_old: bool) -> Action:
    """An UPDATE never creates an item; a DELETE of one that is not there succeeds, whatever else WHERE says."""
    assert statement.where is not None
    if has_or(statement.where):
        raise invalid("Unexpected path component: OR is not supported in the WHERE clause of a write")
    change = bind_update(statement.update, scope, table.schema.names)
    meets = bind_condition(statement.where, scope, WHERE)
    attributes = _key_attributes(statement, scope, table)
    if attributes is None:
        raise invalid(NO_KEY)
    key = table.schema.key_of(attributes)[0]
    if statement.kind == DELETE:
        return Action(
            table,
            key,
            lambda _: None,
            lambda old: old is None or meets(old),
            returns_old_on_failure=returns_old,
        )
    return Action(
        table,
        key,
        lambda old: change.apply(old, attributes),
        lambda old: old is not None and meets(old),
        returns_old_on_failure=returns_old,
        paths=change.paths,
    )


def _select(statement: Statement, scope: Scope, table: Table) -> Read:
    meets = None if statement.where is None else bind_condition(statement.where, scope, WHERE)
    attributes = _key_attributes(statement, scope, table)
    key = None if attributes is None else table.schema.key_of(attributes)[0]
    columns = statement.columns
    projection = None if columns is None else tuple(scope.steps(path, "SELECT") for path in columns)
    return Read(table, key, meets, projection)


def _key_attributes(statement: Statement, scope: Scope, table: Table) -> Item | None:
    """The values that WHERE demands of the key attributes, None unless of all."""
    if statement.where is None:
        return None
    found: Item = {}
    for part in conjuncts(statement.where):
        if not isinstance(part, Comparison) or part.operator != "=":
            continue
        for path, value in ((part.left, part.right), (part.right, part.left)):
            if isinstance(path, Path) and isinstance(value, ValueRef) and path.parts[0] in table.schema.names:
                found.setdefault(str(path.parts[0]), scope.value(value, WHERE))
    return found if len(found) == len(table.schema.names) else None
