"""The exceptions of boto3's DynamoDB client, as subclasses of ClientError under `client.exceptions`."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from testing.client_exceptions import Exceptions
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
EXCEPTIONS = Exceptions("DynamoDB", MODELLED)


def client_error(code: str, message: str, operation: str, fields: dict[str, Any]) -> ClientError:
    """What boto3 raises for such a reply; the members of a modelled error are beside `Error` too."""
    response: dict[str, Any] = {
        "Error": {"Message": message, "Code": code},
        "ResponseMetadata": {"HTTPStatusCode": 400, "HTTPHeaders": {}, "RetryAttempts": 0},
        **fields,
    }
    if code in EXCEPTIONS:
        response["Message" if code in CAPITALIZED else "message"] = message
    return EXCEPTIONS.class_of(code)(response, operation)
