"""A stand-in for boto3's low-level DynamoDB client, on a store in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from testing.dynamodb.errors import Refused
from testing.dynamodb.exceptions import EXCEPTIONS, client_error
from testing.dynamodb.service import Pause, Service, no_pause
from testing.dynamodb.store import Store


class Client:
    """Takes boto3's keyword arguments, replies and raises as boto3 does; for many threads at once.

    `pause(step)` is called without the lock when a request arrives, between the two steps of a transaction, and before
    a reply leaves (see `service`). What it raises goes to the caller: before the work, that was never done; between the
    steps, the transaction is aborted; before the reply leaves, the work is done and its answer lost.
    `clock` gives epoch seconds; without it the store's is used.
    """

    exceptions = EXCEPTIONS

    def __init__(self, store: Store, *, pause: Pause | None = None, clock: Callable[[], float] | None = None) -> None:
        self._service = Service(store, clock=clock)
        self._pause = pause or no_pause

    def get_item(self, **request: Any) -> dict[str, Any]:
        """One item by its key."""
        return self._call("GetItem", request)

    def put_item(self, **request: Any) -> dict[str, Any]:
        """Replace an item."""
        return self._call("PutItem", request)

    def update_item(self, **request: Any) -> dict[str, Any]:
        """Change attributes of an item, or create it."""
        return self._call("UpdateItem", request)

    def delete_item(self, **request: Any) -> dict[str, Any]:
        """Remove an item."""
        return self._call("DeleteItem", request)

    def query(self, **request: Any) -> dict[str, Any]:
        """A page of one partition."""
        return self._call("Query", request)

    def scan(self, **request: Any) -> dict[str, Any]:
        """A page of a table."""
        return self._call("Scan", request)

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        """Up to 100 items."""
        return self._call("BatchGetItem", request)

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        """Up to 25 puts and deletes, each for itself."""
        return self._call("BatchWriteItem", request)

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        """Up to 100 actions, all or none."""
        return self._call("TransactWriteItems", request)

    def transact_get_items(self, **request: Any) -> dict[str, Any]:
        """Up to 100 items as of one moment."""
        return self._call("TransactGetItems", request)

    def execute_statement(self, **request: Any) -> dict[str, Any]:
        """One PartiQL statement."""
        return self._call("ExecuteStatement", request)

    def batch_execute_statement(self, **request: Any) -> dict[str, Any]:
        """Up to 25 PartiQL statements, each for itself."""
        return self._call("BatchExecuteStatement", request)

    def create_table(self, **request: Any) -> dict[str, Any]:
        """Add a table; `Store.create_table` says it in fewer words."""
        return self._call("CreateTable", request)

    def describe_table(self, **request: Any) -> dict[str, Any]:
        """A table's keys and stream."""
        return self._call("DescribeTable", request)

    def list_tables(self, **request: Any) -> dict[str, Any]:
        """The names of all tables."""
        return self._call("ListTables", request)

    def delete_table(self, **request: Any) -> dict[str, Any]:
        """Remove a table and its items."""
        return self._call("DeleteTable", request)

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            reply = self._service.call(operation, request, self._pause)
        except Refused as error:
            raise client_error(error.code, error.message, operation, error.fields) from None
        reply["ResponseMetadata"] = {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}
        return reply
