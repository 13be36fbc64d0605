"""What tests do again and again: make queues, receive, and look at refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from testing.sqs import Queue, Received, Sqs


def bodies(received: list[Received]) -> list[str]:
    """What was received, in order."""
    return [message.body for message in received]


def fifo_queue(sqs: Sqs, name: str = "orders", **attributes: str) -> Queue:
    """A FIFO queue that takes bodies for deduplication ids."""
    return sqs.create_queue(f"{name}.fifo", {"ContentBasedDeduplication": "true", **attributes})


def in_order(sqs: Sqs, name: str = "jobs", **attributes: str) -> Queue:
    """A standard queue that gives messages in the order of sending, for tests that need to know which."""
    queue = sqs.create_queue(name, attributes)
    queue.shuffles = False
    return queue


def redrive_policy(dead_letters: Queue, max_receive_count: int = 1) -> str:
    """The attribute of a queue whose messages go there."""
    return json.dumps({"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": max_receive_count})


def refusal(call: Callable[..., Any], **request: Any) -> dict[str, Any]:
    """The error reply of a call."""
    with pytest.raises(ClientError) as raised:
        call(**request)
    response: dict[str, Any] = raised.value.response
    return response


def code_and_message(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """What a refusal says."""
    error = refusal(call, **request)["Error"]
    return error["Code"], error["Message"]
