"""Which parameters of DynamoDB's operations exist here: what would be ignored is refused instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from testing.dynamodb.errors import NotImplementedHere

_EXPRESSIONS = {"ExpressionAttributeNames", "ExpressionAttributeValues"}
_CONDITION = {"ConditionExpression", "ReturnValuesOnConditionCheckFailure", *_EXPRESSIONS}
_READ = {"TableName", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"}
_PAGES = {*_READ, *_EXPRESSIONS, "Limit", "ExclusiveStartKey", "FilterExpression", "Select"}
# They would only add to the reply, which says so where they are asked for.
_REPORTS = {"ReturnConsumedCapacity", "ReturnItemCollectionMetrics"}
# What has no effect on the items.
_TABLE_SETTINGS = {"BillingMode", "ProvisionedThroughput", "SSESpecification", "Tags", "DeletionProtectionEnabled"}

PARAMETERS: dict[str, set[str]] = {
    "GetItem": {"Key", *_READ},
    "PutItem": {"TableName", "Item", "ReturnValues", *_CONDITION},
    "UpdateItem": {"TableName", "Key", "UpdateExpression", "ReturnValues", *_CONDITION},
    "DeleteItem": {"TableName", "Key", "ReturnValues", *_CONDITION},
    "Query": {"KeyConditionExpression", "ScanIndexForward", *_PAGES},
    "Scan": _PAGES,
    "BatchGetItem": {"RequestItems"},
    "BatchWriteItem": {"RequestItems"},
    "TransactWriteItems": {"TransactItems", "ClientRequestToken"},
    "TransactGetItems": {"TransactItems"},
    "ExecuteStatement": {"Statement", "Parameters", "ConsistentRead", "ReturnValuesOnConditionCheckFailure"},
    "BatchExecuteStatement": {"Statements"},
    "CreateTable": {"TableName", "KeySchema", "AttributeDefinitions", "StreamSpecification", *_TABLE_SETTINGS},
    "DescribeTable": {"TableName"},
    "ListTables": set(),
    "DeleteTable": {"TableName"},
}
REQUIRED: dict[str, tuple[str, ...]] = {
    "GetItem": ("TableName", "Key"),
    "PutItem": ("TableName", "Item"),
    "UpdateItem": ("TableName", "Key"),
    "DeleteItem": ("TableName", "Key"),
    "Query": ("TableName",),
    "Scan": ("TableName",),
    "BatchGetItem": ("RequestItems",),
    "BatchWriteItem": ("RequestItems",),
    "TransactWriteItems": ("TransactItems",),
    "TransactGetItems": ("TransactItems",),
    "ExecuteStatement": ("Statement",),
    "BatchExecuteStatement": ("Statements",),
    "CreateTable": ("TableName", "KeySchema", "AttributeDefinitions"),
    "DescribeTable": ("TableName",),
    "ListTables": (),
    "DeleteTable": ("TableName",),
}


def check_parameters(operation: str, request: Mapping[str, Any]) -> None:
    """Raises NotImplementedHere for parameters that this DynamoDB does not have, TypeError for missing ones."""
    for name in REQUIRED[operation]:
        if name not in request:
            raise TypeError(f"{operation}: missing required parameter {name}")
    if request.keys() <= PARAMETERS[operation]:
        return
    unknown = request.keys() - PARAMETERS[operation] - _REPORTS
    if unknown:
        raise NotImplementedHere(f"{operation}: parameters {', '.join(sorted(unknown))}")
    asked = [name for name in sorted(_REPORTS) if request.get(name, "NONE") != "NONE"]
    if asked:
        raise NotImplementedHere(f"{operation}: {asked[0]}; the store's meter knows what was consumed")
