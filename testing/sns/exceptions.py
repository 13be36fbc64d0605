"""The exceptions of boto3's SNS client, as subclasses of ClientError under `client.exceptions`."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from testing.client_exceptions import Exceptions
from testing.sns.errors import Refused

# Those that the API's model declares for publishing and reading, by name, with their code and HTTP status.
MODELLED = {
    "AuthorizationErrorException": ("AuthorizationError", 403),
    "BatchEntryIdsNotDistinctException": ("BatchEntryIdsNotDistinct", 400),
    "BatchRequestTooLongException": ("BatchRequestTooLong", 400),
    "EmptyBatchRequestException": ("EmptyBatchRequest", 400),
    "InternalErrorException": ("InternalError", 500),
    "InvalidBatchEntryIdException": ("InvalidBatchEntryId", 400),
    "InvalidParameterException": ("InvalidParameter", 400),
    "InvalidParameterValueException": ("ParameterValueInvalid", 400),
    "InvalidSecurityException": ("InvalidSecurity", 403),
    "KMSAccessDeniedException": ("KMSAccessDenied", 400),
    "KMSDisabledException": ("KMSDisabled", 400),
    "KMSInvalidStateException": ("KMSInvalidState", 400),
    "KMSNotFoundException": ("KMSNotFound", 400),
    "KMSOptInRequired": ("KMSOptInRequired", 403),
    "KMSThrottlingException": ("KMSThrottling", 400),
    "NotFoundException": ("NotFound", 404),
    "ThrottledException": ("Throttled", 429),
    "TooManyEntriesInBatchRequestException": ("TooManyEntriesInBatchRequest", 400),
    "ValidationException": ("ValidationException", 400),
}
EXCEPTIONS = Exceptions("SNS", MODELLED)
_BY_CODE = {code: (EXCEPTIONS.class_of(name), status) for name, (code, status) in MODELLED.items()}


def client_error(refused: Refused, operation: str) -> ClientError:
    """What boto3 raises for such a reply."""
    error_class, status = _BY_CODE.get(refused.code, (ClientError, 400))
    response: dict[str, Any] = {
        "Error": {
            "Type": "Receiver" if status >= 500 else "Sender",
            "Code": refused.code,
            "Message": refused.message,
        },
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0},
    }
    if error_class is not ClientError:
        response["message"] = refused.message
    return error_class(response, operation)
