"""A message that is kept for too long vanishes, wherever it stands."""

from __future__ import annotations

from testing.scheduler import Scheduler
from testing.sqs import Client, Sqs
from tests.testing.sqs.observing import bodies, fifo_queue, in_order


def test_a_message_vanishes_when_its_time_is_over(scheduler: Scheduler, sqs: Sqs) -> None:
    """Each by its own time of sending: recorded on AWS by LocalStack, test_message_retention."""
    queue = in_order(sqs, MessageRetentionPeriod="60")
    queue.send("a")
    scheduler.sleep(30)
    queue.send("b")
    scheduler.sleep(30)
    assert bodies(queue.receive()) == ["b"]
    assert queue.counts.expired == 1


def test_a_message_in_flight_vanishes_too(scheduler: Scheduler, sqs: Sqs) -> None:
    """Deleting it then does nothing, and says nothing: test_message_retention_with_inflight of LocalStack."""
    queue = in_order(sqs, MessageRetentionPeriod="60", VisibilityTimeout="60")
    queue.send("a")
    scheduler.sleep(5)
    (received,) = queue.receive()
    scheduler.sleep(55)
    assert (queue.counts.not_visible, queue.counts.visible) == (0, 0)
    assert not queue.delete(received.receipt_handle)
    assert Client(sqs).delete_message(QueueUrl=queue.url, ReceiptHandle=received.receipt_handle)
    assert not queue.change_visibility(received.receipt_handle, 1)
    assert not queue.redeliver(received.message_id)
    scheduler.sleep(100)
    assert queue.receive() == []


def test_a_message_that_vanishes_frees_its_group(scheduler: Scheduler, sqs: Sqs) -> None:
    """What is behind it comes, and `ready_at` knows when."""
    queue = fifo_queue(sqs, MessageRetentionPeriod="60", VisibilityTimeout="1000")
    queue.send("a", group="g")
    begun = scheduler.now
    queue.receive()
    scheduler.sleep(30)
    queue.send("b", group="g")
    assert queue.ready_at() == begun + 60
    scheduler.sleep(30)
    assert bodies(queue.receive()) == ["b"]


def test_a_shorter_time_holds_for_what_is_there(client: Client, scheduler: Scheduler, sqs: Sqs) -> None:
    """So does a longer one, for what is not gone yet."""
    queue = in_order(sqs, MessageRetentionPeriod="1000", VisibilityTimeout="500")
    queue.send("a")
    scheduler.sleep(100)
    queue.send("b")
    queue.receive(1)
    client.set_queue_attributes(QueueUrl=queue.url, Attributes={"MessageRetentionPeriod": "60"})
    assert [message.body for message in queue.messages()] == ["b"]
    client.set_queue_attributes(QueueUrl=queue.url, Attributes={"MessageRetentionPeriod": "1000"})
    (received,) = queue.receive()
    client.set_queue_attributes(QueueUrl=queue.url, Attributes={"MessageRetentionPeriod": "120"})
    client.set_queue_attributes(QueueUrl=queue.url, Attributes={"MessageRetentionPeriod": "2000"})
    scheduler.sleep(500)
    assert bodies(queue.receive()) == [received.body]


def test_vanishing_leaves_the_others(scheduler: Scheduler, sqs: Sqs) -> None:
    """Even where they are many, and were sent at different times."""
    queue = in_order(sqs, MessageRetentionPeriod="60")
    for number in range(6_000):
        queue.send(str(number))
        scheduler.now += 0.01
    assert (queue.counts.visible, queue.counts.expired) == (6_000, 0)
    scheduler.sleep(30)
    assert (queue.counts.visible, queue.counts.expired) == (3_000, 3_000)
    assert bodies(queue.receive(3)) == ["3000", "3001", "3002"]
