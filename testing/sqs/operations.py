"""Which operations and parameters of SQS exist here: what would be ignored is refused instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from testing.sqs.errors import NotImplementedHere

_MESSAGE = {"MessageBody", "DelaySeconds", "MessageAttributes", "MessageGroupId", "MessageDeduplicationId"}
_PAGES = {"MaxResults", "NextToken"}

# Those that must be there, and those that may.
PARAMETERS: dict[str, tuple[set[str], set[str]]] = {
    "SendMessage": ({"QueueUrl", "MessageBody"}, _MESSAGE),
    "SendMessageBatch": ({"QueueUrl", "Entries"}, set()),
    "ReceiveMessage": (
        {"QueueUrl"},
        {
            "AttributeNames",
            "MessageSystemAttributeNames",
            "MessageAttributeNames",
            "MaxNumberOfMessages",
            "VisibilityTimeout",
            "WaitTimeSeconds",
        },
    ),
    "DeleteMessage": ({"QueueUrl", "ReceiptHandle"}, set()),
    "DeleteMessageBatch": ({"QueueUrl", "Entries"}, set()),
    "ChangeMessageVisibility": ({"QueueUrl", "ReceiptHandle", "VisibilityTimeout"}, set()),
    "ChangeMessageVisibilityBatch": ({"QueueUrl", "Entries"}, set()),
    # Tags have no effect on messages.
    "CreateQueue": ({"QueueName"}, {"Attributes", "tags"}),
    "DeleteQueue": ({"QueueUrl"}, set()),
    "GetQueueUrl": ({"QueueName"}, {"QueueOwnerAWSAccountId"}),
    "ListQueues": (set(), {"QueueNamePrefix", *_PAGES}),
    "GetQueueAttributes": ({"QueueUrl"}, {"AttributeNames"}),
    "SetQueueAttributes": ({"QueueUrl", "Attributes"}, set()),
    "PurgeQueue": ({"QueueUrl"}, set()),
    "ListDeadLetterSourceQueues": ({"QueueUrl"}, _PAGES),
    "StartMessageMoveTask": ({"SourceArn"}, {"DestinationArn", "MaxNumberOfMessagesPerSecond"}),
    "CancelMessageMoveTask": ({"TaskHandle"}, set()),
    "ListMessageMoveTasks": ({"SourceArn"}, {"MaxResults"}),
}
_ENTRIES: dict[str, tuple[set[str], set[str]]] = {
    "SendMessageBatch": ({"Id", "MessageBody"}, _MESSAGE),
    "DeleteMessageBatch": ({"Id", "ReceiptHandle"}, set()),
    "ChangeMessageVisibilityBatch": ({"Id", "ReceiptHandle"}, {"VisibilityTimeout"}),
}


def check_parameters(operation: str, request: Mapping[str, Any]) -> None:
    """Raises NotImplementedHere for what this SQS does not have, TypeError for missing parameters."""
    if operation not in PARAMETERS:
        raise NotImplementedHere(operation)
    _check(operation, request, *PARAMETERS[operation])
    if operation in _ENTRIES:
        for entry in request["Entries"]:
            _check(operation, entry, *_ENTRIES[operation])


def _check(operation: str, given: Mapping[str, Any], required: set[str], optional: set[str]) -> None:
    lacking = sorted(required - given.keys())
    if lacking:
        raise TypeError(f"{operation}: missing required parameter {lacking[0]}")
    unknown = sorted(given.keys() - required - optional)
    if unknown:
        raise NotImplementedHere(f"{operation}: parameters {', '.join(unknown)}")
