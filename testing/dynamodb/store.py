"""The tables, and every operation on them.

One thread at a time: `Service` takes the store's lock around each step, and so does whoever else uses the store while
clients are at it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from testing.dynamodb import actions, batches, control, items, partiql, queries
from testing.dynamodb.capacity import Meter
from testing.dynamodb.errors import NotImplementedHere, Refused, invalid
from testing.dynamodb.operations import check_parameters
from testing.dynamodb.schema import Schema
from testing.dynamodb.stream import Record, Stream
from testing.dynamodb.table import Table, Watcher
from testing.dynamodb.transactions import Prepared, Transactions
from testing.dynamodb.values import Shown, show_item

Reply = dict[str, Any]
Request = Mapping[str, Any]


class Store:
    """DynamoDB in memory. `clock` gives epoch seconds for the stream and for request tokens."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.meter = Meter()
        self.lock = threading.Lock()
        self._tables: dict[str, Table] = {}
        self._transactions = Transactions(self._table_of, self.meter)
        self._operations: dict[str, Callable[[Request, float], Reply]] = {
            "GetItem": self._get_item,
            "PutItem": self._put_item,
            "UpdateItem": self._update_item,
            "DeleteItem": self._delete_item,
            "Query": self._query,
            "Scan": self._scan,
            "BatchGetItem": self._batch_get_item,
            "BatchWriteItem": self._batch_write_item,
            "TransactWriteItems": self._transact_write_items,
            "TransactGetItems": self._transact_get_items,
            "ExecuteStatement": self._execute_statement,
            "BatchExecuteStatement": self._batch_execute_statement,
            "CreateTable": lambda request, _: control.create_table(self, request),
            "DescribeTable": lambda request, _: control.describe_table(self._table_of(request["TableName"])),
            "ListTables": lambda *_: {"TableNames": sorted(self._tables)},
            "DeleteTable": self._delete_table,
        }

    def create_table(
        self,
        name: str,
        partition_key: str,
        sort_key: str | None = None,
        *,
        types: Mapping[str, str] | None = None,
        stream_view: str | None = None,
        time_to_live: str | None = None,
    ) -> None:
        """Add an empty table; key attributes are strings unless `types` says `N` or `B`.

        `stream_view` is the stream's StreamViewType, `time_to_live` the attribute that `expire` looks at.
        Raises Refused where there is one of that name.
        """
        if name in self._tables:
            raise Refused("ResourceInUseException", f"Table already exists: {name}")
        schema = Schema(name, partition_key, sort_key, dict(types or {}))
        self._tables[name] = Table(schema, stream_view=stream_view, time_to_live=time_to_live)

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables."""
        return tuple(self._tables)

    def items(self, table: str) -> list[Shown]:
        """Copies of all items of a table, for tests to look at."""
        return [show_item(item) for _, item in self._table_of(table).everything()]

    def stream(self, table: str, after: str | None = None) -> list[Record]:
        """The records of a table's stream, those later than the sequence number `after`.

        Raises Refused where some of them were dropped by `forget_stream`.
        """
        return self._stream_of(table).read(after)

    def forget_stream(self, table: str, up_to: str) -> None:
        """Drop the records of a table's stream up to and with this sequence number: whoever reads it has read them."""
        self._stream_of(table).forget(up_to)

    def watch(self, table: str, callback: Watcher) -> None:
        """Call back right after each write that has changed an item of the table, in the order of the commits; after a
        transaction, when all of it is written. No stream is needed.

        The store's lock is held: the callback may look at the store, but call no client of it. What it raises goes to
        whoever made the write, which is done all the same.
        """
        self._table_of(table).watchers.append(callback)

    def expire(self, now: float) -> int:
        """Delete what is past its time to live, as DynamoDB does some day. Returns how many items went."""
        expired = [
            (table, key)
            for table in self._tables.values()
            for key in table.expired(now)
            if not self._transactions.is_in_flight((table.name, key))
        ]
        for table, key in expired:
            table.tell(table.write(key, None, now=now, expired=True))
        return len(expired)

    def execute(self, operation: str, request: Request, *, now: float | None = None) -> Reply:
        """Run an operation of DynamoDB's API at once. Raises Refused as DynamoDB would."""
        if operation not in self._operations:
            raise NotImplementedHere(f"operation {operation}")
        check_parameters(operation, request)
        return self._operations[operation](request, self.clock() if now is None else now)

    def prepare(self, request: Request, *, now: float | None = None) -> Prepared:
        """The first step of TransactWriteItems: its items are in flight until `commit` or `abort`. Raises Refused."""
        check_parameters("TransactWriteItems", request)
        return self._transactions.prepare(request, now=self.clock() if now is None else now)

    def commit(self, prepared: Prepared, *, now: float | None = None) -> Reply:
        """The second step: everything is written."""
        self._transactions.commit(prepared, now=self.clock() if now is None else now)
        return {}

    def abort(self, prepared: Prepared) -> None:
        """Instead of the second step: nothing is written."""
        self._transactions.abort(prepared)

    def _table_of(self, name: str) -> Table:
        table = self._tables.get(name)
        if table is None:
            raise Refused("ResourceNotFoundException", "Requested resource not found")
        return table

    def _stream_of(self, name: str) -> Stream:
        stream = self._table_of(name).stream
        if stream is None:
            raise invalid(f"table {name} has no stream: create it with stream_view")
        return stream

    def _delete_table(self, request: Request, _: float) -> Reply:
        description = control.describe_table(self._table_of(request["TableName"]))["Table"]
        del self._tables[request["TableName"]]
        return {"TableDescription": {**description, "TableStatus": "DELETING"}}

    def _get_item(self, request: Request, _: float) -> Reply:
        return items.get(self._table_of(request["TableName"]), request, self.meter)

    def _put_item(self, request: Request, now: float) -> Reply:
        return self._write(actions.put, request, items.OTHER_RETURNS, now)

    def _update_item(self, request: Request, now: float) -> Reply:
        return self._write(actions.update, request, items.UPDATE_RETURNS, now)

    def _delete_item(self, request: Request, now: float) -> Reply:
        return self._write(actions.delete, request, items.OTHER_RETURNS, now)

    def _write(
        self,
        build: Callable[[Table, Request], actions.Action],
        request: Request,
        allowed: tuple[str, ...],
        now: float,
    ) -> Reply:
        wanted = items.check_returns(request, allowed)
        action = build(self._table_of(request["TableName"]), request)
        old, new = items.write(action, self._transactions, self.meter, now=now)
        return items.returned(wanted, action, old, new)

    def _query(self, request: Request, _: float) -> Reply:
        return queries.query(self._table_of(request["TableName"]), request, self.meter)

    def _scan(self, request: Request, _: float) -> Reply:
        return queries.scan(self._table_of(request["TableName"]), request, self.meter)

    def _batch_get_item(self, request: Request, _: float) -> Reply:
        return batches.get(self._table_of, request, self.meter)

    def _batch_write_item(self, request: Request, now: float) -> Reply:
        return batches.write(self._table_of, request, self._transactions, self.meter, now=now)

    def _transact_write_items(self, request: Request, now: float) -> Reply:
        return self.commit(self.prepare(request, now=now), now=now)

    def _transact_get_items(self, request: Request, _: float) -> Reply:
        return self._transactions.get(request)

    def _execute_statement(self, request: Request, now: float) -> Reply:
        return partiql.execute(self._table_of, request, self._transactions, self.meter, now=now)

    def _batch_execute_statement(self, request: Request, now: float) -> Reply:
        return partiql.execute_batch(self._table_of, request, self._transactions, self.meter, now=now)
