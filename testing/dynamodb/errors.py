"""What the store refuses, with AWS's codes and messages."""

from __future__ import annotations

from typing import Any

VALIDATION = "ValidationException"
# Their message's member is `Message`, that of all others `message`: so the API's model has it.
CAPITALIZED = ("TransactionCanceledException", "TransactionInProgressException", "IdempotentParameterMismatchException")
CONFLICT_MESSAGE = "Transaction is ongoing for the item"
CONDITION_MESSAGE = "The conditional request failed"


class Refused(Exception):
    """A request that DynamoDB refuses: its error code, its message, and what else its error has, such as `Item`."""

    def __init__(self, code: str, message: str, **fields: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.fields = fields


def invalid(message: str) -> Refused:
    """A request that makes no sense."""
    return Refused(VALIDATION, message)


def invalid_parameter(message: str) -> Refused:
    """A value that makes no sense, in AWS's usual words."""
    return invalid(f"One or more parameter values were invalid: {message}")


def too_many(count_limit: int, parameter: str, shown: object) -> Refused:
    """A list with more members than the API's model allows."""
    return invalid(
        f"1 validation error detected: Value '{shown}' at '{parameter}' failed to satisfy constraint: "
        f"Member must have length less than or equal to {count_limit}"
    )


def too_few(parameter: str) -> Refused:
    """An empty list where the API's model wants a member."""
    return invalid(
        f"1 validation error detected: Value '[]' at '{parameter}' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1"
    )


def condition_failed(item: dict[str, Any] | None) -> Refused:
    """A condition that does not hold; `item` where the request asked for what was there."""
    fields = {} if item is None else {"Item": item}
    return Refused("ConditionalCheckFailedException", CONDITION_MESSAGE, **fields)


def conflict() -> Refused:
    """A single write to an item that a transaction has in flight.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
    """
    return Refused("TransactionConflictException", CONFLICT_MESSAGE)


class NotImplementedHere(NotImplementedError):
    """A part of the API that this DynamoDB does not have: it says so instead of ignoring what was asked."""
