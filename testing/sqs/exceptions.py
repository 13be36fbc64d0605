"""The exceptions of boto3's SQS client, as subclasses of ClientError under `client.exceptions`."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from testing.client_exceptions import Exceptions
from testing.sqs.errors import Refused

# Those that the API's model declares. Others, such as InvalidParameterValue, are plain ClientErrors in boto3 too.
MODELLED = (
    "BatchEntryIdsNotDistinct",
    "BatchRequestTooLong",
    "EmptyBatchRequest",
    "InvalidAddress",
    "InvalidAttributeName",
    "InvalidAttributeValue",
    "InvalidBatchEntryId",
    "InvalidIdFormat",
    "InvalidMessageContents",
    "InvalidSecurity",
    "KmsAccessDenied",
    "KmsDisabled",
    "KmsInvalidKeyUsage",
    "KmsInvalidState",
    "KmsNotFound",
    "KmsOptInRequired",
    "KmsThrottled",
    "MessageNotInflight",
    "OverLimit",
    "PurgeQueueInProgress",
    "QueueDeletedRecently",
    "QueueDoesNotExist",
    "QueueNameExists",
    "ReceiptHandleIsInvalid",
    "RequestThrottled",
    "ResourceNotFoundException",
    "TooManyEntriesInBatchRequest",
    "UnsupportedOperation",
)
EXCEPTIONS = Exceptions("SQS", MODELLED)


def client_error(error: Refused, operation: str) -> ClientError:
    """What boto3 raises: the class is that of the shape, the code that of the older protocol."""
    response: dict[str, Any] = {
        "Error": {"Message": error.message, "Code": error.code, "QueryErrorCode": error.shape, "Type": "Sender"},
        "ResponseMetadata": {"HTTPStatusCode": error.status, "HTTPHeaders": {}, "RetryAttempts": 0},
    }
    if error.code in EXCEPTIONS:
        response["message"] = error.message
    return EXCEPTIONS.class_of(error.shape)(response, operation)
