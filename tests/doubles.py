"""Stand-ins for what a consumer talks to: a source that remembers, and a client that fails where it is told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from messaging.batch import Delivery

Hook = Callable[[dict[str, Any]], None]


class RememberingSource:
    """A source that remembers dead letters and postponements; `accepts_dead_letters=False` refuses them."""

    def __init__(self, *, accepts_dead_letters: bool = True) -> None:
        self.accepts_dead_letters = accepts_dead_letters
        self.dead_letters: list[tuple[Delivery, Mapping[str, Any]]] = []
        self.postponed: list[dict[str, int]] = []

    def dead_letter(self, delivery: Delivery, facts: Mapping[str, Any]) -> bool:
        if self.accepts_dead_letters:
            self.dead_letters.append((delivery, facts))
        return self.accepts_dead_letters

    def postpone(self, delays: Sequence[tuple[Delivery, int]], has_time: Callable[[], bool]) -> bool:
        if delays and has_time():
            self.postponed.append({delivery.id: delay_seconds for delivery, delay_seconds in delays})
        return True


class Wire:
    """A boto3 client that counts its calls; `before` and `after` hold hooks by operation, each used once."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[str] = []
        self.before: dict[str, list[Hook]] = {}
        self.after: dict[str, list[Hook]] = {}
        self.replies: dict[str, list[dict[str, Any]]] = {}

    @property
    def exceptions(self) -> Any:
        return self._client.exceptions

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self.calls.append(operation)
            for hook in self._next(self.before, operation):
                hook(request)
            for reply in self.replies.get(operation, [])[:1]:
                self.replies[operation].remove(reply)
                return reply
            answer = getattr(self._client, operation)(**request)
            for hook in self._next(self.after, operation):
                hook(request)
            return answer

        return call

    @staticmethod
    def _next(hooks: dict[str, list[Hook]], operation: str) -> list[Hook]:
        return [hooks[operation].pop(0)] if hooks.get(operation) else []


def lose_reply(_: dict[str, Any]) -> None:
    """As `after` hook: the call was applied, its answer never arrives."""
    raise ReadTimeoutError(endpoint_url="http://dynamodb")


def refuse(code: str, message: str = "") -> Hook:
    """A `before` hook: AWS refuses the call with this code."""

    def hook(_: dict[str, Any]) -> None:
        raise ClientError({"Error": {"Code": code, "Message": message}}, "Operation")

    return hook


def conflict(client: Any) -> Hook:
    """A `before` hook of transact_write_items: every action is in conflict with another transaction."""

    def hook(request: dict[str, Any]) -> None:
        raise client.exceptions.TransactionCanceledException(
            {
                "Error": {"Code": "TransactionCanceledException", "Message": ""},
                "CancellationReasons": [{"Code": "TransactionConflict"} for _ in request["TransactItems"]],
            },
            "TransactWriteItems",
        )

    return hook
