"""The queues of one account and region, and the API's operations on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from testing.scheduler import Scheduler
from testing.sqs import control, movetasks, receiving, redrive, sending
from testing.sqs.errors import legacy, no_such_queue, queue_exists
from testing.sqs.movetasks import MoveTask
from testing.sqs.operations import check_parameters
from testing.sqs.queue import Queue
from testing.sqs.settings import FIFO_SUFFIX, Settings

REGION: Final = "us-east-1"
ACCOUNT: Final = "000000000000"
_RECREATED_AFTER_SECONDS: Final = 60

Request = Mapping[str, Any]
NO_ATTRIBUTES: Final[Mapping[str, str]] = {}


class Sqs:
    """Queues by name. All that happens by itself, such as a move task, happens by the scheduler."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.move_tasks: dict[str, list[MoveTask]] = {}
        self.purged_at: dict[str, float] = {}
        self._queues: dict[str, Queue] = {}
        self._deleted_at: dict[str, float] = {}

    def create_queue(self, name: str, attributes: Mapping[str, str] = NO_ATTRIBUTES) -> Queue:
        """Make a queue: FIFO if its name ends with .fifo. Or find the one with the same name and attributes.

        `attributes` as in the API. Raises Refused.
        """
        settings = Settings.of(name.endswith(FIFO_SUFFIX), attributes)
        queue = self._queues.get(name)
        if queue is not None:
            _check_same(queue, attributes, settings)
            return queue
        self._check_recreation(name)
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        self._check_redrive(arn, settings)
        url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
        queue = Queue(self.scheduler, arn, url, settings, self.find)
        self._queues[name] = queue
        return queue

    def configure(self, queue: Queue, attributes: Mapping[str, str]) -> None:
        """Change some of a queue's attributes: at once, for the messages that it holds too. Raises Refused."""
        settings = queue.settings.changed(attributes)
        if redrive.POLICY in attributes:
            self._check_redrive(queue.arn, settings)
        queue.modified_at = now = queue.settle()
        queue.settings = settings
        queue.holdings.retime(now, settings)
        queue.tell()

    def delete_queue(self, queue: Queue) -> None:
        """Remove a queue and its messages."""
        del self._queues[queue.name]
        self._deleted_at[queue.name] = self.scheduler.now

    def queue(self, name_url_or_arn: str) -> Queue:
        """The queue with this name, URL or ARN. Raises Refused if there is none."""
        queue = self._queues.get(name_url_or_arn.rpartition("/")[2].rpartition(":")[2])
        if queue is None:
            raise no_such_queue()
        return queue

    def find(self, arn: str) -> Queue | None:
        """The queue with this ARN, None if there is none."""
        queue = self._queues.get(arn.rpartition(":")[2])
        return queue if queue is not None and queue.arn == arn else None

    def queues(self) -> list[Queue]:
        """All queues, by name."""
        return [queue for _, queue in sorted(self._queues.items())]

    def sources_of(self, queue: Queue) -> list[Queue]:
        """The queues of which this is the dead-letter queue, by name."""
        return [source for source in self.queues() if _target(source.settings) == queue.arn]

    def execute(self, operation: str, request: Request) -> dict[str, Any]:
        """Run a request. Raises Refused, and NotImplementedHere for what this SQS does not have."""
        check_parameters(operation, request)
        return _RUN[operation](self, request)

    def _check_recreation(self, name: str) -> None:
        """Raises Refused for the name of a queue that was deleted less than a minute ago.

        Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html
        """
        deleted_at = self._deleted_at.get(name)
        if deleted_at is not None and self.scheduler.now < deleted_at + _RECREATED_AFTER_SECONDS:
            raise legacy(
                "QueueDeletedRecently",
                f"You must wait {_RECREATED_AFTER_SECONDS} seconds after deleting a queue before you can create "
                "another with the same name.",
            )

    def _check_redrive(self, arn: str, settings: Settings) -> None:
        """Raises Refused for a dead-letter queue that is not there, of another type or does not allow this queue.

        What AWS says in the last case is not known.
        """
        target_arn = _target(settings)
        if target_arn is None:
            return
        text, target = settings.attributes[redrive.POLICY], self.find(target_arn)
        if target is None and target_arn != arn:
            raise redrive.refused(text, "Dead letter target does not exist.")
        if target_arn.endswith(FIFO_SUFFIX) != settings.fifo:
            raise redrive.refused(text, "Dead-letter queue must be same type of queue as the source..")
        if target is not None and not target.settings.allow.allows(arn):
            raise redrive.refused(text, "The dead-letter queue's redrive allow policy does not allow this queue.")


def _target(settings: Settings) -> str | None:
    return None if settings.redrive is None else settings.redrive.target_arn


def _check_same(queue: Queue, attributes: Mapping[str, str], settings: Settings) -> None:
    for name in attributes:
        if queue.settings.attributes.get(name) != settings.attributes.get(name):
            raise queue_exists(name)


def _on_queue(run: Callable[[Queue, Request], dict[str, Any]]) -> Callable[[Sqs, Request], dict[str, Any]]:
    return lambda sqs, request: run(sqs.queue(request["QueueUrl"]), request)


_RUN: dict[str, Callable[[Sqs, Request], dict[str, Any]]] = {
    "SendMessage": _on_queue(sending.send),
    "SendMessageBatch": _on_queue(sending.send_batch),
    "ReceiveMessage": lambda sqs, request: receiving.receive(sqs.queue(request["QueueUrl"]), request, sqs.scheduler),
    "DeleteMessage": _on_queue(receiving.delete),
    "DeleteMessageBatch": _on_queue(receiving.delete_batch),
    "ChangeMessageVisibility": _on_queue(receiving.change_visibility),
    "ChangeMessageVisibilityBatch": _on_queue(receiving.change_visibility_batch),
    "CreateQueue": control.create,
    "DeleteQueue": lambda sqs, request: control.delete(sqs, sqs.queue(request["QueueUrl"])),
    "GetQueueUrl": lambda sqs, request: {"QueueUrl": sqs.queue(request["QueueName"]).url},
    "ListQueues": control.list_queues,
    "GetQueueAttributes": _on_queue(control.get_attributes),
    "SetQueueAttributes": lambda sqs, request: control.set_attributes(sqs, sqs.queue(request["QueueUrl"]), request),
    "PurgeQueue": lambda sqs, request: control.purge(sqs, sqs.queue(request["QueueUrl"])),
    "ListDeadLetterSourceQueues": lambda sqs, request: control.list_sources(
        sqs, sqs.queue(request["QueueUrl"]), request
    ),
    "StartMessageMoveTask": movetasks.start,
    "CancelMessageMoveTask": movetasks.cancel,
    "ListMessageMoveTasks": movetasks.list_tasks,
}
