"""Runs requests on a store from many threads: one lock around each step, and pauses between the steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from testing.dynamodb.store import Reply, Store
from testing.dynamodb.transactions import Prepared

# The steps at which `pause` is called: a request arrives, a transaction is between prepare and commit, a reply leaves.
ARRIVES = "arrives"
PREPARED = "prepared"
LEAVES = "leaves"

Pause = Callable[[str], None]


def no_pause(_: str) -> None:
    """Go on at once."""


class Service:
    """A store's requests. All services of one store share the store's lock."""

    def __init__(self, store: Store, *, clock: Callable[[], float] | None = None) -> None:
        self.store = store
        self._clock = clock or store.clock
        self.lock = store.lock

    def call(self, operation: str, request: Mapping[str, Any], pause: Pause = no_pause) -> Reply:
        """Run a request. Raises Refused, and what `pause` raises: between prepare and commit that aborts."""
        pause(ARRIVES)
        reply = (
            self._transact(request, pause) if operation == "TransactWriteItems" else self._execute(operation, request)
        )
        pause(LEAVES)
        return reply

    def _execute(self, operation: str, request: Mapping[str, Any]) -> Reply:
        with self.lock:
            return self.store.execute(operation, request, now=self._clock())

    def _transact(self, request: Mapping[str, Any], pause: Pause) -> Reply:
        with self.lock:
            prepared = self.store.prepare(request, now=self._clock())
        with ExitStack() as undo:
            undo.callback(self._abort, prepared)
            pause(PREPARED)
            undo.pop_all()
        with self.lock:
            return self.store.commit(prepared, now=self._clock())

    def _abort(self, prepared: Prepared) -> None:
        with self.lock:
            self.store.abort(prepared)
