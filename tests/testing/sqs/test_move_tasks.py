"""Dead letters are moved back, at a rate, as new messages."""

from __future__ import annotations

import pytest

from testing.scheduler import Scheduler
from testing.sqs import Client, Queue, Sqs
from tests.testing.sqs.observing import bodies, code_and_message, fifo_queue, in_order, redrive_policy

TYPE = {"type": {"DataType": "String", "StringValue": "order"}}


@pytest.fixture
def dead(sqs: Sqs) -> Queue:
    return in_order(sqs, "dead")


@pytest.fixture
def queue(sqs: Sqs, dead: Queue) -> Queue:
    return in_order(sqs, RedrivePolicy=redrive_policy(dead))


def bury(queue: Queue, *messages: str) -> None:
    """Have messages received once too often."""
    for body in messages:
        queue.send(body, attributes=TYPE, group="g" if queue.fifo else None)
    for _ in range(2):
        queue.receive(100, visibility_timeout_seconds=0)


def task(client: Client, dead: Queue) -> dict[str, object]:
    """The latest task."""
    (latest,) = client.list_message_move_tasks(SourceArn=dead.arn)["Results"]
    return dict(latest)


def test_a_moved_letter_is_a_new_message(scheduler: Scheduler, client: Client, queue: Queue, dead: Queue) -> None:
    """It has another id and time of sending, and was never received.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
    """
    bury(queue, "a")
    (letter,) = dead.messages()
    scheduler.sleep(100)
    client.start_message_move_task(SourceArn=dead.arn)
    (message,) = queue.messages()
    assert (message.body, message.attributes) == ("a", TYPE)
    assert message.message_id != letter.message_id
    assert (message.sent_at, message.receive_count, message.first_received_at) == (scheduler.now, 0, None)
    assert message.dead_letter_source_arn is None
    assert bodies(queue.receive()) == ["a"]


def test_a_moved_fifo_letter_keeps_its_place_and_group(scheduler: Scheduler, client: Client, sqs: Sqs) -> None:
    """Its deduplication id is the one that it had as a letter, so the original's window does not swallow it."""
    dead = sqs.create_queue("dead.fifo")
    queue = fifo_queue(sqs, RedrivePolicy=redrive_policy(dead))
    bury(queue, "a", "b", "c")
    ids = [letter.message_id for letter in dead.messages()]
    client.start_message_move_task(SourceArn=dead.arn)
    queue.send("d", group="g")
    scheduler.sleep(1)
    moved = queue.messages()
    assert [message.body for message in moved] == ["a", "d", "b", "c"], "new messages come between"
    assert [message.deduplication_id for message in moved if message.body != "d"] == ids
    assert {message.group for message in moved} == {"g"}


def test_the_oldest_goes_first_at_the_rate(scheduler: Scheduler, client: Client, queue: Queue, dead: Queue) -> None:
    """One at once, and then so many a second."""
    bury(queue, *"abcdef")
    client.start_message_move_task(SourceArn=dead.arn, MaxNumberOfMessagesPerSecond=2)
    moved = []
    for _ in range(3):
        moved.append([message.body for message in queue.messages()])
        scheduler.sleep(1)
    assert moved == [["a"], ["a", "b", "c"], ["a", "b", "c", "d", "e"]]
    assert task(client, dead)["Status"] == "COMPLETED"


def test_a_letter_that_was_sent_to_the_queue_has_no_source(client: Client, queue: Queue, dead: Queue) -> None:
    """The task fails there, unless it is told where to; what was moved before stays moved.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/troubleshooting-dlq-redrive.html
    """
    dead.send("sent")
    client.start_message_move_task(SourceArn=dead.arn)
    failed = task(client, dead)
    assert (failed["Status"], failed["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert (dead.counts.visible, queue.counts.visible) == (1, 0)
    client.start_message_move_task(SourceArn=dead.arn, DestinationArn=queue.arn)
    assert task(client, dead)["Status"] == "COMPLETED"
    assert bodies(queue.receive()) == ["sent"]


def test_a_letter_that_is_being_received_stays(scheduler: Scheduler, client: Client, queue: Queue, dead: Queue) -> None:
    """And so does what is held back behind it."""
    bury(queue, "a", "b")
    dead.receive(1)
    client.start_message_move_task(SourceArn=dead.arn)
    scheduler.sleep(1)
    assert [message.body for message in dead.messages()] == ["a"]
    assert (task(client, dead)["Status"], task(client, dead)["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)


def test_a_fifo_letter_behind_one_that_is_being_received_stays(scheduler: Scheduler, client: Client, sqs: Sqs) -> None:
    """Order is kept within a group; other groups go."""
    dead = sqs.create_queue("dead.fifo")
    queue = fifo_queue(sqs, RedrivePolicy=redrive_policy(dead))
    bury(queue, "a", "b")
    queue.send("c", group="h")
    for _ in range(2):
        queue.receive(visibility_timeout_seconds=0)
    dead.receive(1)
    client.start_message_move_task(SourceArn=dead.arn)
    scheduler.sleep(1)
    assert [message.body for message in dead.messages()] == ["a", "b"]
    assert [message.body for message in queue.messages()] == ["c"]


def test_messages_are_moved_for_some_time_after_the_task_is_cancelled(
    scheduler: Scheduler, client: Client, queue: Queue, dead: Queue
) -> None:
    """Until then it is neither running nor over, and no other can begin."""
    bury(queue, *"abcdefghijkl")
    handle = client.start_message_move_task(SourceArn=dead.arn, MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    client.cancel_message_move_task(TaskHandle=handle)
    assert (task(client, dead)["Status"], "TaskHandle" in task(client, dead)) == ("CANCELLING", False)
    assert "already a task running" in code_and_message(client.start_message_move_task, SourceArn=dead.arn)[1]
    assert "RUNNING" in code_and_message(client.cancel_message_move_task, TaskHandle=handle)[1]
    scheduler.sleep(100)
    assert (task(client, dead)["Status"], queue.counts.visible, dead.counts.visible) == ("CANCELLED", 7, 5)
    client.start_message_move_task(SourceArn=dead.arn)
    scheduler.sleep(1)
    assert dead.counts.visible == 0


def test_tasks_are_listed_the_latest_first(scheduler: Scheduler, client: Client, queue: Queue, dead: Queue) -> None:
    """One unless more are asked for, ten at most."""
    assert "Results" not in client.list_message_move_tasks(SourceArn=dead.arn)
    for number in range(12):
        bury(queue, *"abc"[: number % 3])
        client.start_message_move_task(SourceArn=dead.arn)
        scheduler.sleep(1)
        for message in queue.receive():
            queue.delete(message.receipt_handle)
    moved = [
        one["ApproximateNumberOfMessagesMoved"]
        for one in client.list_message_move_tasks(SourceArn=dead.arn, MaxResults=10)["Results"]
    ]
    assert moved == [2, 1, 0, 2, 1, 0, 2, 1, 0, 2]
    assert len(client.list_message_move_tasks(SourceArn=dead.arn)["Results"]) == 1


def test_a_task_ends_with_its_queue(scheduler: Scheduler, client: Client, queue: Queue, dead: Queue) -> None:
    """Nothing is moved from a queue that was deleted."""
    bury(queue, "a", "b")
    client.start_message_move_task(SourceArn=dead.arn, MaxNumberOfMessagesPerSecond=1)
    client.delete_queue(QueueUrl=dead.url)
    scheduler.sleep(10)
    assert [message.body for message in queue.messages()] == ["a"]


def test_what_can_not_be_moved_is_refused(client: Client, sqs: Sqs, queue: Queue, dead: Queue) -> None:
    """The words are AWS's."""
    fifo = fifo_queue(sqs)
    for request, words in (
        ({"SourceArn": "dead"}, "You must use this format to specify the SourceArn"),
        ({"SourceArn": f"{dead.arn}2"}, "The resource that you specified for the SourceArn parameter doesn't exist."),
        ({"SourceArn": dead.arn, "DestinationArn": "x"}, "You must use this format to specify the DestinationArn"),
        ({"SourceArn": dead.arn, "DestinationArn": dead.arn}, "cannot be the same"),
        ({"SourceArn": dead.arn, "DestinationArn": fifo.arn}, "must be of the same queue type"),
        ({"SourceArn": dead.arn, "MaxNumberOfMessagesPerSecond": 501}, "between 1 and 500"),
        ({"SourceArn": queue.arn}, "Source queue must be configured as a Dead Letter Queue."),
    ):
        assert words in code_and_message(client.start_message_move_task, **request)[1]
