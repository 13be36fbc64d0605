"""What a statement says of items, bound once for all parameters of the same types."""

from __future__ import annotations

from dataclasses import dataclass

from testing.dynamodb.errors import invalid
from testing.dynamodb.expressions import Change, Predicate, Values
from testing.dynamodb.expressions.changes import bind_update
from testing.dynamodb.expressions.evaluation import bind_condition
from testing.dynamodb.expressions.nodes import Comparison, Path, ValueRef
from testing.dynamodb.expressions.paths import Steps
from testing.dynamodb.expressions.remembered import Remembered
from testing.dynamodb.expressions.scope import Scope
from testing.dynamodb.expressions.walk import conjuncts, has_or
from testing.dynamodb.partiql.statements import SELECT, Statement, parse_statement

WHERE = "WHERE"


@dataclass(frozen=True, slots=True)
class Meaning:
    """An UPDATE, DELETE or SELECT. `key` refers to the values that WHERE demands of the key attributes, None unless of
    all."""

    change: Change
    meets: Predicate | None
    key: tuple[tuple[str, str], ...] | None
    projection: tuple[Steps, ...] | None


_remembered: Remembered[Meaning] = Remembered()


def meaning_of(text: str, values: Values, key_names: tuple[str, ...]) -> Meaning:
    """The statement for values of these types. Raises Refused where it makes no sense."""
    shape = (text, key_names, *[value[0] for value in values.values()])
    meaning = _remembered.get(shape)
    if meaning is None:
        scope = Scope(values=values)
        meaning = _bind(parse_statement(text), scope, key_names)
        _remembered.keep(shape, meaning, scope)
    return meaning


def _bind(statement: Statement, scope: Scope, key_names: tuple[str, ...]) -> Meaning:
    if statement.kind != SELECT and statement.where is not None and has_or(statement.where):
        raise invalid("Unexpected path component: OR is not supported in the WHERE clause of a write")
    change = bind_update(statement.update, scope, key_names)
    meets = None if statement.where is None else bind_condition(statement.where, scope, WHERE)
    columns = statement.columns
    projection = None if columns is None else tuple(scope.steps(path, "SELECT") for path in columns)
    return Meaning(change, meets, _key(statement, key_names), projection)


def _key(statement: Statement, key_names: tuple[str, ...]) -> tuple[tuple[str, str], ...] | None:
    if statement.where is None:
        return None
    found: dict[str, str] = {}
    for part in conjuncts(statement.where):
        if not isinstance(part, Comparison) or part.operator != "=":
            continue
        for path, value in ((part.left, part.right), (part.right, part.left)):
            if isinstance(path, Path) and isinstance(value, ValueRef) and path.parts[0] in key_names:
                found.setdefault(str(path.parts[0]), value.name)
    return tuple(found.items()) if len(found) == len(key_names) else None
