"""SendMessage and SendMessageBatch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from testing.sqs import batches, digests, limits
from testing.sqs.errors import NO_DEDUPLICATION_ID, invalid, legacy, missing
from testing.sqs.message import NO_ATTRIBUTES, md5, sequence_number
from testing.sqs.queue import Queue

Request = Mapping[str, Any]


def send(queue: Queue, request: Request) -> dict[str, Any]:
    """Send one message. Raises Refused."""
    attributes = {name: dict(value) for name, value in request.get("MessageAttributes", {}).items()} or NO_ATTRIBUTES
    body, group = request["MessageBody"], request.get("MessageGroupId")
    limits.check_body(body)
    limits.check_id("MessageGroupId", group)
    limits.check_id("MessageDeduplicationId", request.get("MessageDeduplicationId"))
    limits.check_attributes(attributes)
    message_id = queue.send(
        body,
        attributes=attributes,
        group=group,
        deduplication_id=request.get("MessageDeduplicationId"),
        delay_seconds=request.get("DelaySeconds"),
    )
    reply = {"MessageId": message_id, "MD5OfMessageBody": md5(body)}
    if attributes:
        reply["MD5OfMessageAttributes"] = digests.of_attributes(attributes)
    if queue.fifo:
        reply["SequenceNumber"] = sequence_number(queue.mark.number(message_id))
    return reply


def send_batch(queue: Queue, request: Request) -> dict[str, Any]:
    """Send up to 10 messages, each for itself. Raises Refused.

    What a FIFO queue must have refuses the batch, not the entry, and with another code than SendMessage: recorded on
    AWS by LocalStack, test_send_batch_missing_message_group_id_for_fifo_queue.
    """
    entries = request["Entries"]
    batches.check(entries, "SendMessageBatchRequestEntry")
    if queue.fifo:
        for entry in entries:
            _check_fifo(queue, entry)
    total = sum(limits.size(entry["MessageBody"], entry.get("MessageAttributes", {})) for entry in entries)
    if total > limits.MAX_SIZE:
        message = f"Batch requests cannot be longer than {limits.MAX_SIZE} bytes. You have sent {total} bytes."
        raise legacy("BatchRequestTooLong", message)
    return batches.each(entries, lambda entry: _send_entry(queue, entry))


def _check_fifo(queue: Queue, entry: Request) -> None:
    if not queue.settings.content_based and not entry.get("MessageDeduplicationId"):
        raise invalid(NO_DEDUPLICATION_ID)
    if entry.get("MessageGroupId") is None:
        raise invalid(missing("MessageGroupId").message)


def _send_entry(queue: Queue, entry: Request) -> dict[str, Any]:
    max_size = queue.settings.max_size
    if limits.size(entry["MessageBody"], entry.get("MessageAttributes", {})) > max_size:
        raise invalid(
            f"One or more parameters cannot be validated. Reason: Message must be shorter than {max_size} bytes."
        )
    return send(queue, entry)
