"""Client request tokens: a transaction repeated with its token within ten minutes is done once.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from testing.dynamodb.errors import Refused, invalid

LIFETIME_SECONDS = 600
MAX_LENGTH = 36

Payload = Sequence[Mapping[str, Any]]


class RequestTokens:
    """The tokens of transactions that have succeeded, or are about to."""

    def __init__(self) -> None:
        self._payloads: dict[str, str] = {}
        self._ends: dict[str, float] = {}

    def is_repeated(self, token: str, payload: Payload, *, now: float) -> bool:
        """Whether this very transaction has succeeded. Raises Refused where the token was used for another one, or
        where the first one is not through.
        """
        if not 1 <= len(token) <= MAX_LENGTH:
            raise invalid(
                f"1 validation error detected: Value '{token}' at 'clientRequestToken' failed to satisfy constraint: "
                f"Member must have length less than or equal to {MAX_LENGTH}"
            )
        if self._ends.get(token, now) < now:
            self.forget(token)
        if token not in self._payloads:
            return False
        if self._payloads[token] != repr(payload):
            raise Refused(
                "IdempotentParameterMismatchException",
                "DynamoDB rejected the request because you retried a request with a different payload but with an "
                "idempotent token that was already used",
            )
        if token not in self._ends:
            raise Refused(
                "TransactionInProgressException", "The transaction with the given request token is already in progress"
            )
        return True

    def begin(self, token: str, payload: Payload) -> None:
        """The transaction is on its way."""
        self._payloads[token] = repr(payload)

    def finish(self, token: str, *, now: float) -> None:
        """It has succeeded: the ten minutes begin."""
        self._ends[token] = now + LIFETIME_SECONDS

    def forget(self, token: str) -> None:
        """It came to nothing: it may be tried again."""
        self._payloads.pop(token, None)
        self._ends.pop(token, None)
