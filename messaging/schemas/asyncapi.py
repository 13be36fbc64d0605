"""The topology as an AsyncAPI 3.0 document: the topic and every subscription, who sends and who receives what.

Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0, and its bindings for SNS and SQS at
https://github.com/asyncapi/bindings. Its schemas are in AsyncAPI's own format, which every tool knows.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from messaging.events import dataschema
from messaging.message import MAX_BODY_BYTES
from messaging.schemas.catalogue import Catalogue
from messaging.schemas.json_schema import components
from messaging.subscription import Subscription

# CloudEvents' structured mode: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#3
CONTENT_TYPE = "application/cloudevents+json"


def asyncapi_document(catalogue: Catalogue) -> dict[str, Any]:
    """The document. Addresses are null, for names are given when the app is deployed.

    Its version is a digest of all the rest: another version is another contract.
    """
    document: dict[str, Any] = {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"Waybill: {catalogue.topic.name}",
            "description": "Events are published to one topic and fan out to a queue for each subscription.",
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {_topic_name(catalogue): _topic(catalogue)}
        | {row.consumer: _queue(catalogue, row) for row in catalogue.rows},
        "operations": _operations(catalogue),
        "components": _components(catalogue),
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    return {**document, "info": {**document["info"], "version": digest[:12]}}


def message_key(event: type[Any]) -> str:
    """The name of one version of one type among the messages."""
    return f"{event.type}.{event.version}"


def _topic_name(catalogue: Catalogue) -> str:
    return f"{catalogue.topic.name}.fifo"  # a consumer's name has no dot, so the two can't meet


def _topic(catalogue: Catalogue) -> dict[str, Any]:
    return {
        "address": None,
        "title": f"The topic {catalogue.topic.name}",
        "messages": _channel_messages(catalogue, {event.type for event in catalogue.events}),
        "bindings": {
            "sns": {
                "name": _topic_name(catalogue),
                "ordering": {"type": "FIFO", "contentBasedDeduplication": False},
                "bindingVersion": "0.1.0",
            }
        },
    }


def _queue(catalogue: Catalogue, row: Subscription) -> dict[str, Any]:
    suffix = ".fifo" if row.fifo else ""
    high_throughput = {"deduplicationScope": "messageGroup", "fifoThroughputLimit": "perMessageGroupId"}
    dead_letters = f"{row.consumer}_dead_letters{suffix}"
    return {
        "address": None,
        "title": f"The queue of {row.consumer}",
        "messages": _channel_messages(catalogue, {event.type for event in row.events}),
        "bindings": {
            "sqs": {
                "queue": {
                    "name": f"{row.consumer}{suffix}",
                    "fifoQueue": row.fifo,
                    **(high_throughput if row.fifo else {}),
                    "visibilityTimeout": row.visibility_timeout_seconds,
                    "messageRetentionPeriod": row.retention_seconds,
                    "redrivePolicy": {
                        "deadLetterQueue": {"name": dead_letters},
                        "maxReceiveCount": row.max_receive_count,
                    },
                },
                "deadLetterQueue": {
                    "name": dead_letters,
                    "fifoQueue": row.fifo,
                    "messageRetentionPeriod": row.dead_letter_retention_seconds,
                },
                "bindingVersion": "0.2.0",
            }
        },
    }


def _channel_messages(catalogue: Catalogue, types: set[str]) -> dict[str, Any]:
    return {
        message_key(event): {"$ref": f"#/components/messages/{message_key(event)}"}
        for event in catalogue.events
        if event.type in types
    }


def _operations(catalogue: Catalogue) -> dict[str, Any]:
    everything = {event.type for event in catalogue.events}
    operations = {"publish": _operation(catalogue, "send", _topic_name(catalogue), everything)}
    for row in catalogue.rows:
        taken = _operation(catalogue, "receive", row.consumer, {event.type for event in row.events})
        operations[row.consumer] = taken | {"x-filter-policy": row.filter_policy, "x-ordering": row.ordering}
        if row.emits:
            emitted = {event.type for event in row.emits}
            operations[f"{row.consumer}.emits"] = _operation(catalogue, "send", _topic_name(catalogue), emitted)
    return operations


def _operation(catalogue: Catalogue, action: str, channel: str, types: set[str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [
            {"$ref": f"#/channels/{channel}/messages/{message_key(event)}"}
            for event in catalogue.events
            if event.type in types and (action == "receive" or event.version == catalogue.latest[event.type])
        ],
    }


def _components(catalogue: Catalogue) -> dict[str, Any]:
    template = "#/components/schemas/{name}"
    (envelope, *references), schemas = components([catalogue.envelope, *catalogue.events], template)
    messages = {}
    for event, data in zip(catalogue.events, references, strict=True):
        own = schemas[data["$ref"].rpartition("/")[2]]
        messages[message_key(event)] = {
            "name": event.type,
            "title": f"{event.type}, version {event.version}",
            "summary": own.get("description", event.type),
            "contentType": CONTENT_TYPE,
            "headers": _headers(event, own),
            "payload": {"allOf": [envelope, _carrying(event, data)]},
            "correlationId": {"location": "$message.payload#/correlationid"},
            "x-max-bytes": MAX_BODY_BYTES,
        }
    return {"messages": messages, "schemas": schemas}


def _carrying(event: type[Any], data: dict[str, Any]) -> dict[str, Any]:
    """What an envelope says beside its own schema when it carries this event."""
    return {
        "type": "object",
        "properties": {"type": {"const": event.type}, "dataschema": {"const": dataschema(event)}, "data": data},
    }


def _headers(event: type[Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The SNS message attributes: what the class says of them when it is asked with names of fields for values."""
    properties: dict[str, Any] = {}
    for name, value in event.attributes.fget(_Names(event)).items():
        properties[name] = schema["properties"][value.name] if isinstance(value, _Name) else {"const": value}
    return {"type": "object", "properties": properties, "required": sorted(properties)}


class _Names:
    """Stands for an event: its class's constants are themselves, each of its fields is its name."""

    def __init__(self, event: type[Any]) -> None:
        self._event = event

    def __getattr__(self, name: str) -> Any:
        return _Name(name) if name in self._event.__struct_fields__ else getattr(self._event, name)


class _Name:
    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:  # an f-string would hide which field it was made of
        raise TypeError(f"an attribute made of {self.name!r} is more than a field: say here what its schema is")
