"""Random requests to this store and to moto, where moto is faithful: the same replies, codes and reasons.

Left out, because moto is known to be wrong there:
- client request tokens: it runs a repeated transaction again
- PartiQL batches: it overwrites duplicates silently; they are compared with the embedded engine
- transaction conflicts: it has none
- `size()` of a missing attribute: it fails
- comparing what has no order, or different types: it raises TypeError, and the example ends
- an update that fails half-way: it has written the first half, and the example ends
- a missing attribute: to it, it equals NULL
- nested paths in updates: it ignores one into a value that is no map, and refuses before it looks at the condition
- UPDATED_OLD and UPDATED_NEW: it shows the key of a new item, and leaves out what was set to the same value
- an update that only removes, of an item that is not there: it creates the item
The test modules beside this one cover them, with what was measured on AWS.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from testing.dynamodb import Client, Store
from tests.testing.dynamodb.wireformat import wire

Call = tuple[str, dict[str, Any]]

SCHEMAS = {"plain": ("id", None), "sorted": ("id", "at")}


class Pair:
    """A client of ours and one of moto, with the same empty tables for each example."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.ours = Client(Store())

    def begin(self) -> None:
        self.ours = Client(Store())
        for name, (partition, sort) in SCHEMAS.items():
            keys = [(partition, "HASH", "S"), *([(sort, "RANGE", "N")] if sort else [])]
            if name in self.real.list_tables()["TableNames"]:
                self.real.delete_table(TableName=name)
            for client in (self.real, self.ours):
                client.create_table(
                    TableName=name,
                    KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind, _ in keys],
                    AttributeDefinitions=[{"AttributeName": key, "AttributeType": type_} for key, _, type_ in keys],
                    BillingMode="PAY_PER_REQUEST",
                )


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        yield Pair(boto3.client("dynamodb", region_name="us-east-1"))


def outcome(client: Any, call: Call) -> tuple[Any, ...]:
    """A reply, or an error's code with the item and the reasons that it shows; messages are each one's own."""
    operation, request = call
    try:
        reply = getattr(client, operation)(**request)
    except ClientError as error:
        shown = error.response
        reasons = [(reason["Code"], normal(reason.get("Item"))) for reason in shown.get("CancellationReasons", [])]
        if any(code == "TypeError" for code, _ in reasons):
            raise TypeError from error
        if any(code == "ValidationError" for code, _ in reasons):
            # moto refuses the request instead; the API's reference lists the messages among a cancellation's reasons.
            return "ValidationException", None, []
        return shown["Error"]["Code"], normal(shown.get("Item")), reasons
    return ("", {name: normal(value) for name, value in reply.items() if name not in UNASKED})


# moto always reports capacity.
UNASKED = ("ResponseMetadata", "ConsumedCapacity", "ItemCollectionMetrics")


def only_removes_from_nothing(client: Client, call: Call) -> bool:
    """Whether an update only removes, from an item that is not there."""
    updates = [action.get("Update", {}) for action in call[1].get("TransactItems", [])]
    for update in [*updates, *([call[1]] if call[0] == "update_item" else [])]:
        writes = {"SET", "ADD"} & set(update.get("UpdateExpression", "SET").split())
        if not writes and "Item" not in client.get_item(TableName=update["TableName"], Key=update["Key"]):
            return True
    return False


def normal(value: Any) -> Any:
    """Sets have no order."""
    if isinstance(value, dict):
        return {
            name: sorted(member) if name in ("SS", "NS") and isinstance(member, list) else normal(member)
            for name, member in value.items()
        }
    return [normal(member) for member in value] if isinstance(value, list) else value


SCALARS = st.one_of(
    st.integers(-2, 3).map(Decimal),
    st.sampled_from(["", "a", "ab", "b"]),
    st.booleans(),
)
VALUES = st.one_of(
    SCALARS,
    st.none(),
    st.sets(st.sampled_from(["a", "b", "c"]), min_size=1),
    st.sets(st.sampled_from([Decimal(1), Decimal(2)]), min_size=1),
    st.lists(SCALARS, max_size=2),
    st.dictionaries(st.sampled_from("xy"), SCALARS, max_size=2),
)
NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.one_of(NAMES, NAMES, NAMES.map(lambda name: f"{name}.x"), NAMES.map(lambda name: f"{name}[0]"))
ORDERED = st.one_of(st.integers(-2, 3).map(Decimal), st.sampled_from(["a", "ab", "b"]))


class Values:
    """The values of a request, by the names that its expressions get."""

    def __init__(self) -> None:
        self.named: dict[str, Any] = {}

    def add(self, value: Any) -> str:
        name = f":v{len(self.named)}"
        self.named[name] = value
        return name


@st.composite
def leaves(draw: st.DrawFn, values: Values) -> str:
    """A condition without AND, OR and NOT."""
    kind = draw(st.integers(0, 5))
    path = draw(PATHS)
    if kind == 0:
        return f"{path} = {values.add(draw(VALUES.filter(lambda value: value is not None)))}"
    if kind == 1:
        return f"{path} {draw(st.sampled_from(['<', '<=', '>', '>=']))} {values.add(draw(ORDERED))}"
    if kind == 2:
        return f"{path} IN ({values.add(draw(SCALARS))}, {values.add(draw(SCALARS))})"
    if kind == 3:
        return f"begins_with({path}, {values.add(draw(st.sampled_from(['a', 'ab'])))})"
    if kind == 4:
        return f"contains({path}, {values.add(draw(st.sampled_from(['a', 'b'])))})"
    return f"{draw(st.sampled_from(['attribute_exists', 'attribute_not_exists']))}({path})"


@st.composite
def conditions(draw: st.DrawFn, values: Values) -> str:
    """Up to three leaves, with every operator."""
    left = draw(leaves(values))
    for _ in range(draw(st.integers(0, 2))):
        right = draw(leaves(values))
        if draw(st.booleans()):
            right = f"NOT {right}"
        operator = draw(st.sampled_from(["AND", "OR"]))
        left = f"{left} {operator} {right}"
        if draw(st.booleans()):
            left = f"NOT ({left})"
    return left


@st.composite
def assigned(draw: st.DrawFn, values: Values) -> str:
    """The right-hand side of a SET."""
    kind = draw(st.integers(0, 4))
    other = draw(NAMES)
    if kind == 0:
        return f"{other} {draw(st.sampled_from('+-'))} {values.add(Decimal(1))}"
    if kind == 1:
        return f"if_not_exists({other}, {values.add(draw(SCALARS))})"
    if kind == 2:
        return f"list_append({other}, {values.add(['new'])})"
    return values.add(draw(VALUES))


@st.composite
def changes(draw: st.DrawFn, values: Values) -> str:
    """An update expression with a clause for each of some attributes."""
    clauses: dict[str, list[str]] = {}
    for name in draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)):
        kind = draw(st.sampled_from(["SET", "SET", "SET", "REMOVE", "ADD", "DELETE"]))
        if kind == "SET":
            part = f"{name} = {draw(assigned(values))}"
        elif kind == "REMOVE":
            part = name
        else:
            operand = draw(st.sampled_from([Decimal(1), {"a", "z"}])) if kind == "ADD" else {"a", "b"}
            part = f"{name} {values.add(operand)}"
        clauses.setdefault(kind, []).append(part)
    return " ".join(f"{clause} {', '.join(parts)}" for clause, parts in clauses.items())


KEYS = st.one_of(
    st.sampled_from("pq").map(lambda key: ("plain", {"id": key})),
    st.tuples(st.sampled_from("pq"), st.integers(0, 2)).map(
        lambda key: ("sorted", {"id": key[0], "at": Decimal(key[1])})
    ),
)
ITEMS = st.dictionaries(NAMES, VALUES, max_size=3)


@st.composite
def actions(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Put, Update, Delete or ConditionCheck of one item."""
    kind = draw(st.sampled_from(["Put", "Put", "Update", "Update", "Delete", "ConditionCheck"]))
    table, key = draw(KEYS)
    values = Values()
    request: dict[str, Any] = {"TableName": table}
    if kind == "Put":
        request["Item"] = wire({**draw(ITEMS), **key})
    else:
        request["Key"] = wire(key)
    if kind == "Update":
        request["UpdateExpression"] = draw(changes(values))
    if kind == "ConditionCheck" or draw(st.booleans()):
        request["ConditionExpression"] = draw(conditions(values))
        if draw(st.booleans()):
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if values.named:
        request["ExpressionAttributeValues"] = wire(values.named)
    return kind, request


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """A single write, a transaction, or a query."""
    kind = draw(st.integers(0, 5))
    if kind == 0:
        low = draw(st.integers(-1, 3))
        return "query", {
            "TableName": "sorted",
            "KeyConditionExpression": "id = :p AND #at " + draw(st.sampled_from(["=", "<", "<=", ">", ">="])) + " :n",
            "ExpressionAttributeNames": {"#at": "at"},
            "ExpressionAttributeValues": wire({":p": draw(st.sampled_from("pq")), ":n": Decimal(low)}),
            "ScanIndexForward": draw(st.booleans()),
        }
    if kind <= 2:
        wanted = draw(st.lists(actions(), min_size=1, max_size=4))
        return "transact_write_items", {"TransactItems": [{name: request} for name, request in wanted]}
    name, request = draw(actions().filter(lambda action: action[0] != "ConditionCheck"))
    returns = ["NONE", "ALL_OLD", *(["ALL_NEW"] if name == "Update" else [])]
    return f"{name.lower()}_item", {**request, "ReturnValues": draw(st.sampled_from(returns))}


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # shrinking would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sequence=st.lists(calls(), min_size=1, max_size=12))
def test_random_requests_have_the_same_outcome(pair: Pair, sequence: list[Call]) -> None:
    """Replies, codes and cancellation reasons are the same, and so are the items at the end."""
    pair.begin()
    for call in sequence:
        if only_removes_from_nothing(pair.ours, call):
            continue
        try:
            expected = outcome(pair.real, call)
        except TypeError:
            return
        assert outcome(pair.ours, call) == expected, call
        if expected[0] == "ValidationException":
            return
    for table in SCHEMAS:
        found = [client.scan(TableName=table)["Items"] for client in (pair.ours, pair.real)]
        ours, theirs = (sorted(map(repr, map(normal_item, items))) for items in found)
        assert ours == theirs


def normal_item(item: dict[str, Any]) -> list[Any]:
    return sorted(normal(item).items())
