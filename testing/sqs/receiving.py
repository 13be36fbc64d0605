"""ReceiveMessage, DeleteMessage, ChangeMessageVisibility and their batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from testing.scheduler import Scheduler
from testing.sqs import batches, digests
from testing.sqs.errors import invalid_value, not_a_handle
from testing.sqs.limits import MAX_VISIBILITY_SECONDS, visibility_seconds_left
from testing.sqs.message import Attributes, Received
from testing.sqs.queue import Queue
from testing.sqs.receipts import Worth

Request = Mapping[str, Any]

SENDER_ID: Final = "AIDAIENQZJOLO23YVJ4VO"
_MAX_MESSAGES = 10
_MAX_WAIT_SECONDS = 20
# A waiting receive looks again so often, seconds: messages may come at any time.
_LOOKS_EVERY = 0.1
_ALL = ("All", ".*")


def receive(queue: Queue, request: Request, scheduler: Scheduler) -> dict[str, Any]:
    """Receive up to 10 messages. Raises Refused.

    Where there are none, a task sleeps for up to `WaitTimeSeconds`; outside of a task the whole world goes on for so
    long. Do not wait in an action of the scheduler.
    """
    most = request.get("MaxNumberOfMessages", 1)
    if not 1 <= most <= _MAX_MESSAGES:
        raise invalid_value("MaxNumberOfMessages", most, f"Must be between 1 and {_MAX_MESSAGES}, if provided.")
    wait = request.get("WaitTimeSeconds", queue.settings.wait_seconds)
    if not 0 <= wait <= _MAX_WAIT_SECONDS:
        raise invalid_value("WaitTimeSeconds", wait, f"Must be >= 0 and <= {_MAX_WAIT_SECONDS}, if provided.")
    timeout = request.get("VisibilityTimeout")
    if timeout is not None and not 0 <= timeout <= MAX_VISIBILITY_SECONDS:
        reason = f"Must be >= 0 and <= {MAX_VISIBILITY_SECONDS}, if provided."
        raise invalid_value("VisibilityTimeout", timeout, reason)
    until = scheduler.now + wait
    received = queue.receive(most, timeout)
    while not received and scheduler.now < until:
        scheduler.sleep(min(_LOOKS_EVERY, until - scheduler.now))
        received = queue.receive(most, timeout)
    if not received:
        return {}
    system = (*request.get("AttributeNames", ()), *request.get("MessageSystemAttributeNames", ()))
    wanted = request.get("MessageAttributeNames", ())
    return {"Messages": [_shown(message, system, wanted) for message in received]}


def delete(queue: Queue, request: Request) -> dict[str, Any]:
    """Delete a message. Raises Refused for a handle that is none, or has expired on a FIFO queue.

    That an old handle did nothing is not told; nor that there is no such message any more.
    """
    handle = request["ReceiptHandle"]
    worth, _ = queue.worth(handle)
    if worth is Worth.UNKNOWN:
        raise not_a_handle(handle)
    if worth is Worth.EXPIRED:
        raise invalid_value("ReceiptHandle", handle, "The receipt handle has expired.")
    queue.delete(handle)
    return {}


def delete_batch(queue: Queue, request: Request) -> dict[str, Any]:
    """Delete up to 10 messages, each for itself. Raises Refused."""
    batches.check(request["Entries"], "DeleteMessageBatchRequestEntry")
    return batches.each(request["Entries"], lambda entry: delete(queue, entry))


def change_visibility(queue: Queue, request: Request) -> dict[str, Any]:
    """Let a message become visible at another time. Raises Refused; that an old handle did nothing is not told."""
    handle, seconds = request["ReceiptHandle"], request["VisibilityTimeout"]
    if not 0 <= seconds <= MAX_VISIBILITY_SECONDS:
        reason = f"VisibilityTimeout must be an integer between 0 and {MAX_VISIBILITY_SECONDS}."
        raise invalid_value("VisibilityTimeout", seconds, reason)
    worth, message = queue.worth(handle)
    if worth is Worth.UNKNOWN:
        raise not_a_handle(handle)
    if message is None or worth is Worth.EXPIRED:
        reason = "Message does not exist or is not available for visibility timeout change."
        raise invalid_value("ReceiptHandle", handle, reason)
    if seconds > visibility_seconds_left(message, queue.settle()):
        reason = f"Total VisibilityTimeout for the message is beyond the limit [{MAX_VISIBILITY_SECONDS} seconds]"
        raise invalid_value("VisibilityTimeout", seconds, reason)
    queue.change_visibility(handle, seconds)
    return {}


def change_visibility_batch(queue: Queue, request: Request) -> dict[str, Any]:
    """Change up to 10 messages' visibility, each for itself. Raises Refused."""
    batches.check(request["Entries"], "ChangeMessageVisibilityBatchRequestEntry")
    return batches.each(request["Entries"], lambda entry: change_visibility(queue, entry))


def system_attributes(message: Received) -> dict[str, str]:
    """What SQS itself tells of a received message, as in a Lambda event's `attributes`.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
    """
    shown = {
        "SenderId": SENDER_ID,
        "SentTimestamp": _milliseconds(message.sent_at),
        "ApproximateReceiveCount": str(message.receive_count),
        "ApproximateFirstReceiveTimestamp": _milliseconds(message.first_received_at),
    }
    optional = {
        "SequenceNumber": message.sequence_number,
        "MessageDeduplicationId": message.deduplication_id,
        "MessageGroupId": message.group,
        "DeadLetterQueueSourceArn": message.dead_letter_source_arn,
    }
    return shown | {name: value for name, value in optional.items() if value is not None}


def _shown(message: Received, system: Sequence[str], wanted: Sequence[str]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt_handle,
        "MD5OfBody": message.md5,
        "Body": message.body,
    }
    told = {name: value for name, value in system_attributes(message).items() if "All" in system or name in system}
    if told:
        shown["Attributes"] = told
    attributes = _wanted(message.attributes, wanted)
    if attributes:
        shown["MessageAttributes"] = {name: dict(value) for name, value in attributes.items()}
        shown["MD5OfMessageAttributes"] = digests.of_attributes(attributes)
    return shown


def _wanted(attributes: Attributes, names: Sequence[str]) -> Attributes:
    if any(name in _ALL for name in names):
        return attributes
    prefixes = tuple(name[:-2] for name in names if name.endswith(".*"))
    return {name: value for name, value in attributes.items() if name in names or name.startswith(prefixes)}


def _milliseconds(when: float) -> str:
    return str(round(when * 1_000))
