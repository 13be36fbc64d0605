"""What a service refuses, whichever way it says so, and the HTTP status that goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

# Where the models name no status. Sources: the common errors of the services' API references, such as
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
_SERVER_ERRORS = {"InternalServerError": 500, "InternalError": 500, "InternalFailure": 500, "ServiceUnavailable": 503}
_BESIDE_ERROR = ("Error", "ResponseMetadata", "message", "Message")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error reply: its code, its message, and what else the error has.

    `shape`, the name of its model, and `status`, of HTTP, are None where the service does not tell them.
    """

    code: str
    message: str
    fields: dict[str, Any]
    shape: str | None = None
    status: int | None = None


def refusal_of(error: Exception) -> Refusal | None:
    """The refusal that an exception stands for, if it does."""
    if isinstance(error, ClientError):
        shown = error.response["Error"]
        fields = {name: value for name, value in error.response.items() if name not in _BESIDE_ERROR}
        return Refusal(shown["Code"], shown.get("Message", ""), fields)
    code, message = getattr(error, "code", None), getattr(error, "message", None)
    if isinstance(code, str) and isinstance(message, str):
        told = {name: getattr(error, name, None) for name in ("shape", "status")}
        return Refusal(code, message, getattr(error, "fields", {}), **told)
    return None


def shape_of(service_model: Any, code: str) -> Any:
    """The model's error of this code or name, or None."""
    named = [each for each in service_model.error_shapes if code in (each.name, each.error_code)]
    return named[0] if named else None


def status_of(service_model: Any, refusal: Refusal) -> int:
    """The HTTP status of an error reply: what the service tells, or its model, or everybody's."""
    if refusal.status is not None:
        return refusal.status
    shape = shape_of(service_model, refusal.shape or refusal.code)
    modelled = shape.metadata.get("error", {}).get("httpStatusCode") if shape is not None else None
    return modelled or _SERVER_ERRORS.get(refusal.code, 400)
