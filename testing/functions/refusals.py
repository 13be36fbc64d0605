"""What services answer when they refuse a call for now, as boto3 raises it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from testing import ses, sns, sqs
from testing.dynamodb.errors import CONFLICT_MESSAGE
from testing.dynamodb.exceptions import client_error

THROTTLES: Mapping[str, str] = {
    "dynamodb": "ThrottlingException",
    "sqs": "RequestThrottled",
    "sns": "Throttled",
    "sesv2": "TooManyRequestsException",
}
SERVER_ERRORS: Mapping[str, str] = {
    "dynamodb": "InternalServerError",
    "sqs": "InternalError",
    "sns": "InternalError",
    "sesv2": "InternalFailure",
}
CANCELED = "TransactionCanceledException"
_EXCEPTIONS: Mapping[str, Any] = {
    "sqs": sqs.Client.exceptions,
    "sns": sns.Client.exceptions,
    "sesv2": ses.Client.exceptions,
}
# SNS's exceptions are not called like their codes.
_NAMES = {"Throttled": "ThrottledException", "InternalError": "InternalErrorException"}
# Sources: the services' models as botocore has them, and CommonErrors of their API references.
_STATUS = {"Throttled": 429, "TooManyRequestsException": 429, **dict.fromkeys(SERVER_ERRORS.values(), 500)}


def with_one_reason(request: Any) -> Any:
    """Carry out a transaction. Where it is cancelled, only one reason is named, for nobody promises all of them: an
    update's where there is one, which says least of what was applied before."""
    try:
        return request()
    except ClientError as error:
        reasons = error.response.get("CancellationReasons", [])
        guilty = [number for number, reason in enumerate(reasons) if reason["Code"] != "None"]
        if len(guilty) < 2:
            raise
        entries = request.parameters["TransactItems"]
        named = max(guilty, key=lambda number: "Update" in entries[number])
        fewer = [reason if number == named else {"Code": "None"} for number, reason in enumerate(reasons)]
        raise client_error(CANCELED, "as injected", "TransactWriteItems", {"CancellationReasons": fewer}) from None


def refused(code: str, service: str, operation: str, request: Any) -> ClientError:
    """The exception, of the class that the client's `exceptions` has for it. A conflict cancels a transaction, with a
    reason for its first item."""
    name = "".join(word.capitalize() for word in operation.split("_"))
    fields: dict[str, Any] = {}
    if code == "TransactionConflict":
        others = len(request.parameters["TransactItems"]) - 1
        reasons = [{"Code": code, "Message": CONFLICT_MESSAGE}, *[{"Code": "None"}] * others]
        code, fields = CANCELED, {"CancellationReasons": reasons}
    message = f"{code}, as injected"
    if service == "dynamodb":
        error = client_error(code, message, name, fields)
    else:
        modelled = getattr(_EXCEPTIONS[service], _NAMES.get(code, code), ClientError)
        error = modelled({"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}}, name)
    error.response["ResponseMetadata"]["HTTPStatusCode"] = _STATUS.get(code, 400)
    return error
