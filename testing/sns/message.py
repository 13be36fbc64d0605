"""A message that a topic has accepted, and how a queue sees it without raw delivery."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from testing.sns.queues import Attributes


@dataclass(slots=True, eq=False)
class Message:
    """One message. Its attributes may be those of other messages too: to be read only."""

    message_id: str
    sequence_number: str | None  # of FIFO topics
    body: str
    attributes: Attributes
    subject: str | None
    group: str | None
    deduplication_id: str | None
    published_at: float  # epoch seconds


def envelope(message: Message, *, topic_arn: str, subscription_arn: str, replayed: bool) -> str:
    """SNS's own JSON around a message. That of a FIFO topic is not signed; no signature here is genuine.

    The members are those of LocalStack's recordings (see `errors`), explained at
    https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html. A replayed one has the same content,
    MessageId and Timestamp, "and also contains the attribute Replayed":
    https://docs.aws.amazon.com/sns/latest/dg/message-archiving-and-replay-subscriber.html. It stands beside those here;
    how AWS spells its value is not documented.
    """
    region = topic_arn.split(":")[3]
    address = f"https://sns.{region}.amazonaws.com"
    document: dict[str, Any] = {"Type": "Notification", "MessageId": message.message_id}
    if message.sequence_number is not None:
        document["SequenceNumber"] = message.sequence_number
    document["TopicArn"] = topic_arn
    if message.subject is not None:
        document["Subject"] = message.subject
    document["Message"] = message.body
    document["Timestamp"] = timestamp(message.published_at)
    if message.sequence_number is None:
        document["SignatureVersion"] = "1"
        document["Signature"] = "EXAMPLE"
        document["SigningCertURL"] = f"{address}/SimpleNotificationService-EXAMPLE.pem"
    document["UnsubscribeURL"] = f"{address}/?Action=Unsubscribe&SubscriptionArn={subscription_arn}"
    if message.attributes:
        document["MessageAttributes"] = {name: _shown(value) for name, value in message.attributes.items()}
    if replayed:
        document["Replayed"] = "true"
    return json.dumps(document, indent=2, separators=(",", " : "))


def timestamp(epoch_seconds: float) -> str:
    """A time as SNS writes it."""
    moment = datetime.fromtimestamp(round(epoch_seconds, 3), UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _shown(value: Mapping[str, Any]) -> dict[str, str]:
    binary = value.get("BinaryValue")
    content = value["StringValue"] if binary is None else base64.b64encode(binary).decode()
    return {"Type": value["DataType"], "Value": content}
