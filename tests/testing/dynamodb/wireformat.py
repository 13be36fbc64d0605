"""Attribute values and requests in few words, for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def wire(item: dict[str, Any]) -> dict[str, Any]:
    """Plain values as attribute values."""
    return {name: _serialize(value) for name, value in item.items()}


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """Attribute values as plain ones."""
    return {name: _deserialize(value) for name, value in item.items()}


def put(table: str = "plain", /, **item: Any) -> dict[str, Any]:
    """PutItem's parameters."""
    return {"TableName": table, "Item": wire(item)}


def at(table: str = "plain", /, **key: Any) -> dict[str, Any]:
    """The table and key of a request."""
    return {"TableName": table, "Key": wire(key)}


def update(expression: str, values: dict[str, Any] | None = None, /, **key: Any) -> dict[str, Any]:
    """UpdateItem's parameters on the table `plain`."""
    request = {**at(**key), "UpdateExpression": expression}
    return {**request, "ExpressionAttributeValues": wire(values)} if values else request


def refusal(call: Callable[..., Any], /, **request: Any) -> ClientError:
    """The error that a call must raise."""
    try:
        call(**request)
    except ClientError as error:
        return error
    raise AssertionError("the call was not refused")


def code_of(error: ClientError) -> str:
    """An error's code."""
    return str(error.response["Error"]["Code"])


def message_of(error: ClientError) -> str:
    """An error's message."""
    return str(error.response["Error"]["Message"])


def reasons_of(error: ClientError) -> list[str]:
    """The codes of a cancelled transaction."""
    return [reason["Code"] for reason in error.response["CancellationReasons"]]
