"""A stand-in for boto3's SQS client, on queues in this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from testing.sqs.errors import Refused
from testing.sqs.exceptions import EXCEPTIONS, client_error


class Executes(Protocol):
    """What runs requests: an `Sqs`, or something around one that is slow, fails or forgets to answer."""

    def execute(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Run a request. Raises Refused."""


class Client:
    """Takes boto3's keyword arguments, replies and raises as boto3 does."""

    exceptions = EXCEPTIONS

    def __init__(self, sqs: Executes) -> None:
        self._sqs = sqs

    def send_message(self, **request: Any) -> dict[str, Any]:
        """Send a message."""
        return self._call("SendMessage", request)

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        """Send up to 10 messages, each for itself."""
        return self._call("SendMessageBatch", request)

    def receive_message(self, **request: Any) -> dict[str, Any]:
        """Receive up to 10 messages."""
        return self._call("ReceiveMessage", request)

    def delete_message(self, **request: Any) -> dict[str, Any]:
        """Delete a message by its receipt handle."""
        return self._call("DeleteMessage", request)

    def delete_message_batch(self, **request: Any) -> dict[str, Any]:
        """Delete up to 10 messages, each for itself."""
        return self._call("DeleteMessageBatch", request)

    def change_message_visibility(self, **request: Any) -> dict[str, Any]:
        """Let a message become visible at another time."""
        return self._call("ChangeMessageVisibility", request)

    def change_message_visibility_batch(self, **request: Any) -> dict[str, Any]:
        """Change the visibility of up to 10 messages, each for itself."""
        return self._call("ChangeMessageVisibilityBatch", request)

    def create_queue(self, **request: Any) -> dict[str, Any]:
        """Make a queue; `Sqs.create_queue` says it in fewer words."""
        return self._call("CreateQueue", request)

    def delete_queue(self, **request: Any) -> dict[str, Any]:
        """Remove a queue and its messages."""
        return self._call("DeleteQueue", request)

    def get_queue_url(self, **request: Any) -> dict[str, Any]:
        """A queue's URL by its name."""
        return self._call("GetQueueUrl", request)

    def list_queues(self, **request: Any) -> dict[str, Any]:
        """The URLs of queues."""
        return self._call("ListQueues", request)

    def get_queue_attributes(self, **request: Any) -> dict[str, Any]:
        """A queue's settings and counts."""
        return self._call("GetQueueAttributes", request)

    def set_queue_attributes(self, **request: Any) -> dict[str, Any]:
        """Change a queue's settings."""
        return self._call("SetQueueAttributes", request)

    def purge_queue(self, **request: Any) -> dict[str, Any]:
        """Remove all messages of a queue."""
        return self._call("PurgeQueue", request)

    def list_dead_letter_source_queues(self, **request: Any) -> dict[str, Any]:
        """The URLs of a dead-letter queue's sources."""
        return self._call("ListDeadLetterSourceQueues", request)

    def start_message_move_task(self, **request: Any) -> dict[str, Any]:
        """Begin to move dead letters back."""
        return self._call("StartMessageMoveTask", request)

    def cancel_message_move_task(self, **request: Any) -> dict[str, Any]:
        """Let a move task stop."""
        return self._call("CancelMessageMoveTask", request)

    def list_message_move_tasks(self, **request: Any) -> dict[str, Any]:
        """A dead-letter queue's latest move tasks."""
        return self._call("ListMessageMoveTasks", request)

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            reply = self._sqs.execute(operation, request)
        except Refused as error:
            raise client_error(error, operation) from None
        reply["ResponseMetadata"] = {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}
        return reply
