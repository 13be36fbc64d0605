"""CreateTable and DescribeTable, as far as keys and streams go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from testing.dynamodb.errors import invalid_parameter
from testing.dynamodb.table import Table

if TYPE_CHECKING:
    from testing.dynamodb.store import Store


def create_table(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """A table as its KeySchema and AttributeDefinitions describe it, ready at once."""
    keys = {entry["KeyType"]: entry["AttributeName"] for entry in request["KeySchema"]}
    types = {entry["AttributeName"]: entry["AttributeType"] for entry in request["AttributeDefinitions"]}
    if "HASH" not in keys or set(keys.values()) != set(types):
        raise invalid_parameter("Number of attributes in KeySchema does not exactly match AttributeDefinitions")
    stream = request.get("StreamSpecification", {})
    store.create_table(
        request["TableName"],
        keys["HASH"],
        keys.get("RANGE"),
        types=types,
        stream_view=stream.get("StreamViewType") if stream.get("StreamEnabled") else None,
    )
    return {"TableDescription": store.execute("DescribeTable", {"TableName": request["TableName"]})["Table"]}


def describe_table(table: Table) -> dict[str, Any]:
    """What a client needs to know of a table."""
    schema = table.schema
    kinds = zip(schema.names, ("HASH", "RANGE"), strict=False)
    description: dict[str, Any] = {
        "TableName": table.name,
        "TableStatus": "ACTIVE",
        "TableArn": f"arn:aws:dynamodb:us-east-1:000000000000:table/{table.name}",
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in kinds],
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": schema.type_of(name)} for name in schema.names
        ],
        "ItemCount": len(table),
    }
    if table.stream is not None:
        description["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.stream.view}
    return {"Table": description}
