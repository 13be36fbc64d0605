"""The protocols on the wire: each reads a request and writes a reply or an error as the real service does."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, Protocol

from testing.botocore_seam import query
from testing.botocore_seam.refusals import Refusal, shape_of, status_of
from testing.dynamodb import wire
from testing.dynamodb.errors import Refused


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    headers: dict[str, str]
    body: bytes


class Codec(Protocol):
    """One protocol. `operation` is botocore's OperationModel, `request` its signed AWSPreparedRequest."""

    def decode(self, operation: Any, request: Any) -> dict[str, Any]:
        """The request's parameters."""
        ...

    def encode(self, operation: Any, reply: dict[str, Any], request_id: str) -> Answer:
        """A reply."""
        ...

    def encode_error(self, operation: Any, refusal: Refusal, request_id: str) -> Answer:
        """An error reply."""
        ...


def codec_of(service_model: Any) -> Codec:
    """A service's protocol. Raises NotImplementedError for services that nobody needs."""
    codecs: dict[str, Codec] = {"dynamodb": DynamoDb(), "sqs": Sqs(), "sns": Query(), "sesv2": RestJson()}
    if service_model.service_name not in codecs:
        raise NotImplementedError(f"a seam for {service_model.service_name}")
    return codecs[service_model.service_name]


class DynamoDb:
    """JSON 1.0 whose values have their types beside them."""

    def decode(self, operation: Any, request: Any) -> dict[str, Any]:
        """The request's parameters."""
        _check_target(operation, request)
        return wire.decode(request.body)

    def encode(self, operation: Any, reply: dict[str, Any], request_id: str) -> Answer:
        """A reply."""
        del operation
        return Answer(200, _json_headers(wire.CONTENT_TYPE, request_id), wire.encode(reply))

    def encode_error(self, operation: Any, refusal: Refusal, request_id: str) -> Answer:
        """An error reply."""
        status = status_of(operation.service_model, refusal)
        body = wire.encode_error(Refused(refusal.code, refusal.message, **refusal.fields))
        return Answer(status, _json_headers(wire.CONTENT_TYPE, request_id), body)


# Errors have two names in SQS's JSON: the model's, and the one of the former query protocol, which botocore reports.
# Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-json-faqs.html
_PREFIXED = (
    *("BatchEntryIdsNotDistinct", "BatchRequestTooLong", "EmptyBatchRequest", "InvalidBatchEntryId"),
    *("MessageNotInflight", "PurgeQueueInProgress", "QueueDeletedRecently", "TooManyEntriesInBatchRequest"),
    "UnsupportedOperation",
)
QUERY_CODES = {
    **{name: f"AWS.SimpleQueueService.{name}" for name in _PREFIXED},
    "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
    "QueueNameExists": "QueueAlreadyExists",
}
_NAMES = {code: name for name, code in QUERY_CODES.items()}


class Sqs:
    """JSON 1.0 with errors that have a second code in a header."""

    def decode(self, operation: Any, request: Any) -> dict[str, Any]:
        """The request's parameters."""
        _check_target(operation, request)
        return dict(from_json(operation.input_shape, json.loads(request.body)))

    def encode(self, operation: Any, reply: dict[str, Any], request_id: str) -> Answer:
        """A reply."""
        body = {} if operation.output_shape is None else to_json(operation.output_shape, reply)
        return Answer(200, _json_headers(wire.CONTENT_TYPE, request_id), json.dumps(body).encode())

    def encode_error(self, operation: Any, refusal: Refusal, request_id: str) -> Answer:
        """An error reply, whichever of its two names the refusal has."""
        name = refusal.shape or _NAMES.get(refusal.code, refusal.code)
        code = refusal.code if refusal.shape else QUERY_CODES.get(name, name)
        status = status_of(operation.service_model, refusal)
        headers = _json_headers(wire.CONTENT_TYPE, request_id)
        headers["x-amzn-query-error"] = f"{code};{'Receiver' if status >= 500 else 'Sender'}"
        body = {"__type": f"com.amazonaws.sqs#{name}", "message": refusal.message}
        return Answer(status, headers, json.dumps(body).encode())


class RestJson:
    """A URL for each operation, JSON in the body, the error's name in a header."""

    def decode(self, operation: Any, request: Any) -> dict[str, Any]:
        """The request's parameters, which have to be in the body, all of them."""
        elsewhere = [
            name for name, member in operation.input_shape.members.items() if "location" in member.serialization
        ]
        if elsewhere:
            raise NotImplementedError(f"{operation.name}: {elsewhere[0]} outside of the body")
        if not request.url.endswith(operation.http["requestUri"]) or request.method != operation.http["method"]:
            raise ValueError(f"{request.method} {request.url} is not how {operation.name} is called")
        return dict(from_json(operation.input_shape, json.loads(request.body)))

    def encode(self, operation: Any, reply: dict[str, Any], request_id: str) -> Answer:
        """A reply."""
        body = to_json(operation.output_shape, reply)
        return Answer(200, _json_headers("application/json", request_id), json.dumps(body).encode())

    def encode_error(self, operation: Any, refusal: Refusal, request_id: str) -> Answer:
        """An error reply."""
        status = status_of(operation.service_model, refusal)
        headers = {**_json_headers("application/json", request_id), "x-amzn-ErrorType": refusal.code}
        return Answer(status, headers, json.dumps({"message": refusal.message}).encode())


class Query:
    """Form fields in the body of a request, XML in that of a reply."""

    def decode(self, operation: Any, request: Any) -> dict[str, Any]:
        """The request's parameters."""
        return query.decode(operation, request.body)

    def encode(self, operation: Any, reply: dict[str, Any], request_id: str) -> Answer:
        """A reply."""
        return Answer(200, {"Content-Type": "text/xml"}, query.encode(operation, reply, request_id))

    def encode_error(self, operation: Any, refusal: Refusal, request_id: str) -> Answer:
        """An error reply."""
        shape = shape_of(operation.service_model, refusal.code)
        code = refusal.code if shape is None else shape.error_code
        status = status_of(operation.service_model, refusal)
        sender = "Receiver" if status >= 500 else "Sender"
        body = query.encode_error(operation, code, refusal.message, sender, request_id)
        return Answer(status, {"Content-Type": "text/xml"}, body)


def from_json(shape: Any, value: Any) -> Any:
    """A value as boto3 takes it, out of JSON: binaries were base64."""
    if shape.type_name == "structure":
        names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
        return {names[field]: from_json(shape.members[names[field]], member) for field, member in value.items()}
    if shape.type_name == "list":
        return [from_json(shape.member, member) for member in value]
    if shape.type_name == "map":
        return {name: from_json(shape.value, member) for name, member in value.items()}
    return base64.b64decode(value, validate=True) if shape.type_name == "blob" else value


def to_json(shape: Any, value: Any) -> Any:
    """A value as boto3 gives it, for JSON. Raises KeyError for a member that the API's model does not have."""
    if shape.type_name == "structure":
        members = [(shape.members[name], name, member) for name, member in value.items()]
        return {each.serialization.get("name", name): to_json(each, member) for each, name, member in members}
    if shape.type_name == "list":
        return [to_json(shape.member, member) for member in value]
    if shape.type_name == "map":
        return {name: to_json(shape.value, member) for name, member in value.items()}
    return base64.b64encode(value).decode() if shape.type_name == "blob" else value


def _check_target(operation: Any, request: Any) -> None:
    target = request.headers["X-Amz-Target"]
    expected = f"{operation.metadata['targetPrefix']}.{operation.name}"
    if (target.decode() if isinstance(target, bytes) else target) != expected:
        raise ValueError(f"{target} is not how {operation.name} is called")


def _json_headers(content_type: str, request_id: str) -> dict[str, str]:
    return {"Content-Type": content_type, "x-amzn-RequestId": request_id}
