"""TransactWriteItems in two steps, prepare and commit or abort, and TransactGetItems.

Between the steps a transaction's items are in flight: whatever else would write them, or read them in a transaction,
is refused. Plain reads see what was committed.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from testing.dynamodb import actions
from testing.dynamodb.actions import Action, ItemId
from testing.dynamodb.capacity import TRANSACTIONAL, Meter
from testing.dynamodb.errors import CONFLICT_MESSAGE, VALIDATION, Refused, invalid, too_few, too_many
from testing.dynamodb.expressions import bind_projection
from testing.dynamodb.expressions.projection import project
from testing.dynamodb.request_tokens import RequestTokens
from testing.dynamodb.schema import Misfit
from testing.dynamodb.table import Table
from testing.dynamodb.values import Item, item_size_bytes, show_item

# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
MAX_ACTIONS = 100
MAX_PAYLOAD_BYTES = 4 * 1024 * 1024
BUILDERS = {"Put": actions.put, "Update": actions.update, "Delete": actions.delete, "ConditionCheck": actions.check}

Reason = dict[str, Any]
INNOCENT: Reason = {"Code": "None"}
CONFLICT: Reason = {"Code": "TransactionConflict", "Message": CONFLICT_MESSAGE}


@dataclass(eq=False)
class Prepared:
    """A transaction whose conditions hold, and whose items wait for its commit. Without writes: a repeated token."""

    writes: Sequence[tuple[Action, Item | None, int]] = ()
    token: str | None = None


class Transactions:
    """The transactions of one store. `table_of` gives a table by its name, or raises Refused."""

    def __init__(self, table_of: Callable[[str], Table], meter: Meter) -> None:
        self._table_of = table_of
        self._meter = meter
        self._tokens = RequestTokens()
        self._in_flight: dict[ItemId, Prepared] = {}

    def is_in_flight(self, item_id: ItemId) -> bool:
        """Whether a transaction between its two steps has the item."""
        return item_id in self._in_flight

    def prepare(self, request: Mapping[str, Any], *, now: float) -> Prepared:
        """Evaluate everything and take the items in flight. Raises Refused, then nothing has happened."""
        wanted = self._actions(request["TransactItems"])
        token = request.get("ClientRequestToken")
        if token is not None and self._tokens.is_repeated(token, request["TransactItems"], now=now):
            for action in wanted:
                size_bytes = item_size_bytes(action.table.get(action.key))
                self._meter.read(size_bytes, consistent=True, factor=TRANSACTIONAL)
            return Prepared()
        prepared = Prepared(self._results(wanted), token)
        for action in wanted:
            self._in_flight[action.item_id] = prepared
        if token is not None:
            self._tokens.begin(token, request["TransactItems"])
        return prepared

    def commit(self, prepared: Prepared, *, now: float) -> None:
        """Write everything."""
        self._release(prepared)
        if prepared.token is not None:
            self._tokens.finish(prepared.token, now=now)
        changes = []
        for action, new, size_bytes in prepared.writes:
            self._meter.wrote(size_bytes, factor=TRANSACTIONAL)
            changes.append((action.table, action.table.write(action.key, new, now=now)))
        for table, change in changes:  # now that all of it is there
            table.tell(change)

    def abort(self, prepared: Prepared) -> None:
        """Write nothing, and let the items go."""
        self._release(prepared)
        if prepared.token is not None:
            self._tokens.forget(prepared.token)

    def get(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """TransactGetItems: all items as of one moment."""
        gets = [entry["Get"] for entry in request["TransactItems"]]
        if not gets:
            raise too_few("transactItems")
        if len(gets) > MAX_ACTIONS:
            raise too_many(MAX_ACTIONS, "transactItems", request["TransactItems"])
        reads = []
        for get in gets:
            table = self._table_of(get["TableName"])
            (projection,), _ = bind_projection(get)
            reads.append((table, table.schema.key_of(get["Key"])[0], projection))
        _refuse_repeated([(table.name, key) for table, key, _ in reads])
        _cancel_for([CONFLICT if self.is_in_flight((table.name, key)) else INNOCENT for table, key, _ in reads])
        responses: list[dict[str, Any]] = []
        for table, key, projection in reads:
            item = table.get(key)
            self._meter.read(item_size_bytes(item), consistent=True, factor=TRANSACTIONAL)
            if item is None:
                responses.append({})
            else:
                responses.append({"Item": show_item(item) if projection is None else project(item, projection)})
        return {"Responses": responses}

    def _actions(self, entries: Sequence[Mapping[str, Any]]) -> list[Action]:
        if not entries:
            raise too_few("transactItems")
        if len(entries) > MAX_ACTIONS:
            raise too_many(MAX_ACTIONS, "transactItems", entries)
        built: list[Action] = []
        misfit: tuple[int, Misfit] | None = None
        for position, entry in enumerate(entries):
            try:
                built.append(self._action(entry))
            except Misfit as error:
                misfit = misfit or (position, error)
        if misfit:
            # The first misfit cancels; what comes after is not looked at.
            reasons = [INNOCENT] * len(entries)
            reasons[misfit[0]] = {"Code": "ValidationError", "Message": misfit[1].message}
            _cancel_for(reasons)
        _refuse_repeated([action.item_id for action in built])
        if sum([action.payload_bytes for action in built]) > MAX_PAYLOAD_BYTES:
            raise invalid("Transaction payload size cannot exceed 4 MB")
        return built

    def _action(self, entry: Mapping[str, Any]) -> Action:
        for kind, request in entry.items():
            if len(entry) == 1 and kind in BUILDERS:
                return BUILDERS[kind](self._table_of(request["TableName"]), request)
        raise invalid("TransactItems can only contain one of Check, Put, Update or Delete")

    def _results(self, wanted: Sequence[Action]) -> list[tuple[Action, Item | None, int]]:
        results: list[tuple[Action, Item | None, int]] = []
        reasons: list[Reason] = []
        for action in wanted:
            if self._in_flight and action.item_id in self._in_flight:
                reasons.append(CONFLICT)
                continue
            try:
                results.append((action, *action.result()))
                reasons.append(INNOCENT)
            except Refused as error:
                reasons.append(_as_reason(error))
        if len(results) < len(wanted):
            for action in wanted:
                self._meter.wrote(item_size_bytes(action.table.get(action.key)), factor=TRANSACTIONAL)
            _cancel_for(reasons)
        return results

    def _release(self, prepared: Prepared) -> None:
        for action, _, _ in prepared.writes:
            del self._in_flight[action.item_id]


def _as_reason(error: Refused) -> Reason:
    code = "ValidationError" if error.code == VALIDATION else error.code.removesuffix("Exception")
    return {**error.fields, "Code": code, "Message": error.message}


def _refuse_repeated(items: Sequence[ItemId]) -> None:
    if len(set(items)) < len(items):
        raise invalid("Transaction request cannot include multiple operations on one item")


def _cancel_for(reasons: Sequence[Reason]) -> None:
    """Raises Refused where a reason is one."""
    codes = [reason["Code"] for reason in reasons]
    if set(codes) == {"None"}:
        return
    raise Refused(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{', '.join(codes)}]",
        CancellationReasons=[dict(reason) for reason in reasons],
    )
