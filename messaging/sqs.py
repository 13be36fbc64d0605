"""SQS as a source: Lambda's records in; batch item failures, dead letters and later visibility out.

Source of the shapes: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from messaging.batch import Delivery
from messaging.errors import InvalidResponse
from messaging.tracing import traceparent_of_xray

ATTRIBUTE = "waybill"
# What a redrive notes in the attribute of the message that it sends: how often this one was redriven, and the id of
# the dead letter in whose place it is. They outlive the next dead letter: redrives are capped for a message's life.
REDRIVES, REPLACES = "redrives", "replaces"


def deliveries(event: Mapping[str, Any]) -> list[Delivery]:
    """The deliveries of a Lambda event from SQS. An event without records is an empty batch."""
    return [_delivery(record) for record in event.get("Records", [])]


def response(batch: Sequence[Delivery], failed: Iterable[Delivery]) -> dict[str, list[dict[str, str]]]:
    """The partial batch response that hands `failed` back and has Lambda delete the rest.

    Raises InvalidResponse for a record that the batch does not hold: Lambda would take the whole batch as failed.
    """
    known = {delivery.id for delivery in batch}
    # A standard queue may put one message into a batch twice: it is handed back once.
    identifiers = list(dict.fromkeys(delivery.id for delivery in failed))
    for identifier in identifiers:
        if not identifier or identifier not in known:
            raise InvalidResponse(f"record {identifier!r} is not one of this batch")
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


class SqsQueue:
    """A consumer's queue and its dead-letter queue. `client` is boto3's SQS client."""

    def __init__(self, client: Any, *, queue_url: str, dead_letter_queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url
        self._dead_letter_queue_url = dead_letter_queue_url

    def dead_letter(self, delivery: Delivery, facts: Mapping[str, Any]) -> bool:
        """Send the message to the dead-letter queue, byte for byte, with `facts` as JSON in the attribute `waybill`.

        False where SQS refused: then the message is left to the queue's own redrive. The deduplication id is the
        received record's id: the same over redeliveries, new after a redrive. What a redrive has noted is kept.
        """
        noted = _noted(delivery.attributes.get(ATTRIBUTE, {}))
        request: dict[str, Any] = {
            "QueueUrl": self._dead_letter_queue_url,
            "MessageBody": delivery.body,
            "MessageAttributes": {
                **{name: _attribute(value) for name, value in delivery.attributes.items() if name != ATTRIBUTE},
                ATTRIBUTE: {"DataType": "String", "StringValue": json.dumps({**facts, **noted}, separators=(",", ":"))},
            },
        }
        if delivery.group is not None:
            request |= {"MessageGroupId": delivery.group, "MessageDeduplicationId": delivery.id}
        try:
            self._client.send_message(**request)
        except (ClientError, BotoCoreError):
            return False
        return True

    def postpone(self, delays: Sequence[tuple[Delivery, int]], has_time: Callable[[], bool]) -> bool:
        """Hide each record for its seconds from now, in one call for each ten, which needs time. False where SQS
        refused one, or the time was up."""
        accepted = True
        for start in range(0, len(delays), 10):
            if not has_time():
                return False
            entries = [
                {"Id": str(n), "ReceiptHandle": delivery.handle, "VisibilityTimeout": delay_seconds}
                for n, (delivery, delay_seconds) in enumerate(delays[start : start + 10])
            ]
            try:
                reply = self._client.change_message_visibility_batch(QueueUrl=self._queue_url, Entries=entries)
            except (ClientError, BotoCoreError):
                accepted = False  # then the visibility timeout that they have goes on
            else:
                accepted = accepted and not reply.get("Failed")
        return accepted


def _delivery(record: Mapping[str, Any]) -> Delivery:
    attributes = record["attributes"]
    return Delivery(
        id=record["messageId"],
        body=record["body"],
        # A standard queue's messages may carry a group too (fair queues), but it gives them no order.
        group=attributes.get("MessageGroupId") if record["eventSourceARN"].endswith(".fifo") else None,
        attempt=int(attributes["ApproximateReceiveCount"]),
        first_received_at=int(attributes["ApproximateFirstReceiveTimestamp"]) / 1000,
        handle=record["receiptHandle"],
        attributes=record.get("messageAttributes", {}),
        traceparent=traceparent_of_xray(attributes.get("AWSTraceHeader")),
    )


def _noted(attribute: Mapping[str, Any]) -> dict[str, Any]:
    """What a redrive has noted in an attribute; nothing where it is not ours."""
    try:
        noted = json.loads(attribute.get("stringValue", ""))
    except (ValueError, RecursionError):
        return {}
    return {name: noted[name] for name in (REDRIVES, REPLACES) if name in noted} if isinstance(noted, dict) else {}


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    """An attribute as Lambda spells it, as SendMessage takes it. Lambda hands binary values over in base64."""
    if "binaryValue" in value and value.get("dataType", "").startswith("Binary"):
        return {"DataType": value["dataType"], "BinaryValue": b64decode(value["binaryValue"])}
    return {"DataType": value["dataType"], "StringValue": value["stringValue"]}
