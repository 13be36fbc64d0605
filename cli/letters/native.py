"""SQS's own redrive: everything in a dead-letter queue moved by AWS, at a rate, without looking at any of it.

The destination is always named: where the consumer itself has sent a letter, SQS does not know where it came from.
Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cli.errors import CliError, UsageError
from cli.letters.desk import Desk

MAX_RATE = 500
POLL_SECONDS = 1.0
ENDED = ("COMPLETED", "CANCELLED", "FAILED")
# What endpoints without it say, such as the embedded engine.
_UNKNOWN = {"InvalidAction", "UnknownOperation", "UnknownOperationException", "UnsupportedOperation", "NotImplemented"}


@dataclass(frozen=True)
class Progress:
    """How far the task is. Both counts are approximate."""

    status: str
    moved: int
    to_move: int
    failure: str = ""


def move(desk: Desk, rate: float) -> Generator[Progress, None, None]:
    """Start the move, or follow the one that is at work already, until it has ended; cancelled where the operator
    stops, or whatever else ends this. Raises UsageError, and CliError where the endpoint has no such thing."""
    if desk.queue.of_topic:
        raise UsageError(
            "--native moves only what a queue has given up, not what a topic could not deliver: leave it out"
        )
    if not 1 <= rate <= MAX_RATE:
        raise UsageError(f"--rate {rate:g}: with --native it is 1 to {MAX_RATE}")
    source, target = (_arn(desk.sqs, url) for url in (desk.queue.url, desk.queue.source_url))
    task = _latest(desk.sqs, source)
    if task is None or task["Status"] in ENDED:
        desk.sqs.start_message_move_task(
            SourceArn=source, DestinationArn=target, MaxNumberOfMessagesPerSecond=int(rate)
        )
    else:
        desk.say("a move is at work already: following it")
    try:
        yield from _follow(desk, source)
    finally:
        _cancel(desk.sqs, source)


def _follow(desk: Desk, source: str) -> Iterator[Progress]:
    while (task := _latest(desk.sqs, source)) is not None:
        yield Progress(
            task["Status"],
            task.get("ApproximateNumberOfMessagesMoved", 0),
            task.get("ApproximateNumberOfMessagesToMove", 0),
            task.get("FailureReason", ""),
        )
        if task["Status"] in ENDED or desk.stopped():
            return
        desk.sleep(POLL_SECONDS)


def _cancel(sqs: Any, source: str) -> None:
    """It stops some seconds later, and what it has moved is moved. A task that runs has a handle, an ended one none."""
    task = _latest(sqs, source)
    if task is not None and task["Status"] == "RUNNING":
        sqs.cancel_message_move_task(TaskHandle=task["TaskHandle"])


def _latest(sqs: Any, source: str) -> dict[str, Any] | None:
    try:
        results = sqs.list_message_move_tasks(SourceArn=source, MaxResults=1).get("Results", [])
    except ClientError as error:
        if error.response["Error"]["Code"].rpartition(".")[2] not in _UNKNOWN:
            raise
        raise CliError(
            "this endpoint can't move messages by itself (the embedded engine can't): leave --native out"
        ) from error
    task: dict[str, Any] | None = results[0] if results else None
    return task


def _arn(sqs: Any, url: str) -> str:
    arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return arn
