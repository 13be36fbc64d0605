"""ExecuteStatement and BatchExecuteStatement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from testing.dynamodb import items
from testing.dynamodb.capacity import Meter
from testing.dynamodb.errors import VALIDATION, Refused, invalid, too_few, too_many
from testing.dynamodb.expressions.projection import project
from testing.dynamodb.partiql.binding import Read, TableOf, Write, bind
from testing.dynamodb.transactions import Transactions
from testing.dynamodb.values import Shown, item_size_bytes, show_item

# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
MAX_STATEMENTS = 25
Outcome = Read | Write | Refused


def execute(
    table_of: TableOf, request: Mapping[str, Any], transactions: Transactions, meter: Meter, *, now: float
) -> dict[str, Any]:
    """One statement. Raises Refused."""
    bound = bind(table_of, request)
    if isinstance(bound, Write):
        return {"Items": _written(bound, transactions, meter, now)}
    return {"Items": _read(bound, meter, consistent=bool(request.get("ConsistentRead")))}


def execute_batch(
    table_of: TableOf, request: Mapping[str, Any], transactions: Transactions, meter: Meter, *, now: float
) -> dict[str, Any]:
    """Each statement for itself, its error in its place of the reply. Raises Refused for the whole call where reads
    and writes are mixed, or an item is named twice.
    """
    statements = request["Statements"]
    if not statements:
        raise too_few("statements")
    if len(statements) > MAX_STATEMENTS:
        raise too_many(MAX_STATEMENTS, "statements", statements)
    bound = [_bound(table_of, statement) for statement in statements]
    _refuse_mixed(bound)
    _refuse_repeated(bound)
    return {
        "Responses": [
            _response(outcome, statement, transactions, meter, now)
            for outcome, statement in zip(bound, statements, strict=True)
        ]
    }


def _bound(table_of: TableOf, statement: Mapping[str, Any]) -> Outcome:
    try:
        bound = bind(table_of, statement)
    except Refused as error:
        return error
    if isinstance(bound, Read) and bound.key is None:
        return invalid(
            "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
        )
    return bound


def _refuse_mixed(bound: Sequence[Outcome]) -> None:
    if {Read, Write} <= {type(outcome) for outcome in bound}:
        raise invalid("BatchExecuteStatement can not mix read and write statements")


def _refuse_repeated(bound: Sequence[Outcome]) -> None:
    touched = [
        outcome.action.item_id if isinstance(outcome, Write) else (outcome.table.name, outcome.key)
        for outcome in bound
        if not isinstance(outcome, Refused)
    ]
    if len(set(touched)) < len(touched):
        raise invalid("Provided list of item keys contains duplicates")


def _response(
    bound: Outcome, statement: Mapping[str, Any], transactions: Transactions, meter: Meter, now: float
) -> dict[str, Any]:
    if isinstance(bound, Refused):
        return {"Error": _as_statement_error(bound)}
    table = bound.table.name if isinstance(bound, Read) else bound.action.table.name
    try:
        if isinstance(bound, Write):
            found = _written(bound, transactions, meter, now)
        else:
            found = _read(bound, meter, consistent=bool(statement.get("ConsistentRead")))
    except Refused as error:
        return {"Error": _as_statement_error(error), "TableName": table}
    return {"TableName": table, "Item": found[0]} if found else {"TableName": table}


def _as_statement_error(error: Refused) -> dict[str, Any]:
    code = "ValidationError" if error.code == VALIDATION else error.code.removesuffix("Exception")
    return {**error.fields, "Code": code, "Message": error.message}


def _written(write: Write, transactions: Transactions, meter: Meter, now: float) -> list[Shown]:
    old, new = items.write(write.action, transactions, meter, now=now)
    attributes = items.returned(write.returning, write.action, old, new).get("Attributes")
    return [attributes] if attributes else []


def _read(read: Read, meter: Meter, *, consistent: bool) -> list[Shown]:
    if read.key is None:
        candidates = [item for _, item in read.table.everything()]
    else:
        item = read.table.get(read.key)
        candidates = [] if item is None else [item]
    meter.read(sum(map(item_size_bytes, candidates)), consistent=consistent)
    met = [item for item in candidates if read.meets is None or read.meets(item, read.values)]
    return [show_item(item) if read.projection is None else project(item, read.projection) for item in met]
