"""The exceptions of boto3's DynamoDB client, as subclasses of ClientError under `client.exceptions`."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from testing.dynamodb.errors import CAPITALIZED

# Those that the API's model declares. Others, such as ValidationException, are plain ClientErrors in boto3 too.
MODELLED = (
    "ConditionalCheckFailedException",
    "DuplicateItemException",
    "IdempotentParameterMismatchException",
    "InternalServerError",
    "ItemCollectionSizeLimitExceededException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "ReplicatedWriteConflictException",
    "RequestLimitExceeded",
    "ResourceInUseException",
    "ResourceNotFoundException",
    "ThrottlingException",
    "TransactionCanceledException",
    "TransactionConflictException",
    "TransactionInProgressException",
)
_CLASSES: dict[str, type[ClientError]] = {name: type(name, (ClientError,), {}) for name in MODELLED}


class Exceptions:
    """`client.exceptions`: a class per error code, made once for all clients."""

    def __getattr__(self, name: str) -> type[Exception]:
        if name == "ClientError":
            return ClientError  # type: ignore[no-any-return]  # botocore ships no types
        try:
            return _CLASSES[name]
        except KeyError:
            raise AttributeError(f"boto3's DynamoDB client has no exception {name}") from None


def client_error(code: str, message: str, operation: str, fields: dict[str, Any]) -> ClientError:
    """What boto3 raises for such a reply; the members of a modelled error are beside `Error` too."""
    response: dict[str, Any] = {
        "Error": {"Message": message, "Code": code},
        "ResponseMetadata": {"HTTPStatusCode": 400, "HTTPHeaders": {}, "RetryAttempts": 0},
        **fields,
    }
    if code in _CLASSES:
        response["Message" if code in CAPITALIZED else "message"] = message
    return _CLASSES.get(code, ClientError)(response, operation)
