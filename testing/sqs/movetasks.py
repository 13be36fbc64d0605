"""StartMessageMoveTask, CancelMessageMoveTask and ListMessageMoveTasks: dead letters go back to their queues.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from testing.sqs import moves
from testing.sqs.errors import Refused, invalid, no_such_queue, not_found
from testing.sqs.queue import Queue

if TYPE_CHECKING:
    from testing.sqs.service import Sqs

Request = Mapping[str, Any]

_MAX_RATE: Final = 500
_MAX_RESULTS: Final = 10
_ARN_PARTS: Final = 6
# Recorded on AWS: at one message a second, six more were moved between the cancellation and its effect.
CANCELLING_SECONDS: Final = 6.5
_ACTIVE: Final = ("RUNNING", "CANCELLING")


@dataclass(slots=True)
class MoveTask:
    """Moves the letters that were there when it began, the oldest first, each where it came from or to `target_arn`.

    A letter that is being received meanwhile stays. Without a rate it moves as many a second as a rate may be.
    """

    sqs: Sqs
    task_id: str
    source: Queue
    target_arn: str | None
    rate: int | None
    started_at: float
    letters: list[str] = field(default_factory=list)
    status: str = "RUNNING"
    failure: str = ""
    to_move: int = 0
    moved: int = 0

    @property
    def handle(self) -> str:
        """What names the task in a request."""
        return task_handle(self.task_id, self.source.arn)

    def start(self) -> None:
        """Move the first letter at once, and the others by and by."""
        self.letters = [message.message_id for message in self.source.messages()]
        self.to_move = len(self.letters)
        self.letters.reverse()
        self._go_on()

    def cancel(self) -> None:
        """Stop soon, not at once."""
        self.status = "CANCELLING"
        self.sqs.scheduler.after(CANCELLING_SECONDS, self._stop)

    def shown(self) -> dict[str, Any]:
        """As the API lists it."""
        shown: dict[str, Any] = {
            "Status": self.status,
            "SourceArn": self.source.arn,
            "ApproximateNumberOfMessagesMoved": self.moved,
            "ApproximateNumberOfMessagesToMove": self.to_move,
            "StartedTimestamp": round(self.started_at * 1_000),
        }
        optional = {
            "TaskHandle": self.handle if self.status == "RUNNING" else None,
            "DestinationArn": self.target_arn,
            "MaxNumberOfMessagesPerSecond": self.rate,
            "FailureReason": self.failure or None,
        }
        return shown | {name: value for name, value in optional.items() if value is not None}

    def _go_on(self) -> None:
        if self.status not in _ACTIVE:
            return
        try:
            if self.sqs.find(self.source.arn) is not self.source:
                raise no_such_queue()
            while self.letters and not self._move(self.letters.pop()):
                pass
        except Refused as error:
            self.status, self.failure = "FAILED", error.code
            return
        if self.letters:
            self.sqs.scheduler.after(1 / (self.rate or _MAX_RATE), self._go_on)
        elif self.status == "RUNNING":
            self.status = "COMPLETED"

    def _move(self, letter_id: str) -> bool:
        """Move a letter, unless it is not to be had. Raises Refused where it can't go where it should."""
        self.source.settle()
        letter = self.source.holdings.available(letter_id)
        if letter is None:
            return False
        target_arn = self.target_arn or letter.dead_letter_source_arn
        if target_arn is None:
            # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/troubleshooting-dlq-redrive.html
            raise Refused("CouldNotDetermineMessageSource", "The letter was sent to this queue directly.")
        target = self.sqs.find(target_arn)
        if target is None:
            raise no_such_queue()
        moves.redrive(letter, self.source, target)
        self.moved += 1
        return True

    def _stop(self) -> None:
        if self.status == "CANCELLING":
            self.status = "CANCELLED"


def start(sqs: Sqs, request: Request) -> dict[str, Any]:
    """Begin to move a dead-letter queue's messages. Raises Refused."""
    source = _source(sqs, request["SourceArn"])
    if not sqs.sources_of(source):
        raise invalid("Source queue must be configured as a Dead Letter Queue.")
    target_arn = request.get("DestinationArn")
    if target_arn is not None:
        _check_target(sqs, source, target_arn)
    rate = request.get("MaxNumberOfMessagesPerSecond")
    if rate is not None and not 1 <= rate <= _MAX_RATE:
        raise invalid(
            "Value for parameter MaxNumberOfMessagesPerSecond is invalid. "
            f"Reason: You must enter a number that's between 1 and {_MAX_RATE}."
        )
    tasks = sqs.move_tasks.setdefault(source.arn, [])
    if any(task.status in _ACTIVE for task in tasks):
        raise invalid(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        )
    task = MoveTask(sqs, sqs.scheduler.new_id(), source, target_arn, rate, sqs.scheduler.now)
    tasks.append(task)
    task.start()
    return {"TaskHandle": task.handle}


def cancel(sqs: Sqs, request: Request) -> dict[str, Any]:
    """Let a task stop. Raises Refused."""
    task_id, source_arn = _named(request["TaskHandle"])
    source = _source(sqs, source_arn)
    task = next((task for task in sqs.move_tasks.get(source.arn, []) if task.task_id == task_id), None)
    if task is None:
        raise not_found("Task does not exist.")
    if task.status != "RUNNING":
        raise invalid("A message movement can only be cancelled when the current status is RUNNING.")
    task.cancel()
    return {"ApproximateNumberOfMessagesMoved": task.moved}


def list_tasks(sqs: Sqs, request: Request) -> dict[str, Any]:
    """The latest tasks of a queue, the last one first. Raises Refused."""
    source = _source(sqs, request["SourceArn"])
    most = min(request.get("MaxResults", 1), _MAX_RESULTS)
    latest = sqs.move_tasks.get(source.arn, [])[-most:]
    return {"Results": [task.shown() for task in reversed(latest)]} if latest else {}


def task_handle(task_id: str, source_arn: str) -> str:
    """What names a task in a request: recorded on AWS."""
    named = json.dumps({"taskId": task_id, "sourceArn": source_arn}, separators=(",", ":"))
    return base64.b64encode(named.encode()).decode()


def _named(handle: str) -> tuple[str, str]:
    try:
        named = json.loads(base64.b64decode(handle, validate=True))
        return named["taskId"], named["sourceArn"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise invalid("Value for parameter TaskHandle is invalid.") from None


def _source(sqs: Sqs, arn: str) -> Queue:
    _check_arn("SourceArn", arn)
    queue = sqs.find(arn)
    if queue is None:
        raise not_found("The resource that you specified for the SourceArn parameter doesn't exist.")
    return queue


def _check_target(sqs: Sqs, source: Queue, arn: str) -> None:
    _check_arn("DestinationArn", arn)
    target = sqs.find(arn)
    if target is None:
        raise not_found("The resource that you specified for the DestinationArn parameter doesn't exist.")
    if target is source:
        raise invalid("Source queue arn and destination queue arn cannot be the same.")
    if target.fifo != source.fifo:
        raise invalid("The source queue and destination queue must be of the same queue type.")


def _check_arn(parameter: str, arn: str) -> None:
    if len(arn.split(":")) != _ARN_PARTS:
        form = "arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
        raise invalid(f"You must use this format to specify the {parameter}: {form}")
