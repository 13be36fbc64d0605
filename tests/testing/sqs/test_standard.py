"""A standard queue gives every message, at least once, in no order."""

from __future__ import annotations

import gc

import pytest

from testing.scheduler import Scheduler
from testing.sqs import Sqs
from tests.testing.sqs.observing import bodies, in_order, redrive_policy


def test_messages_come_in_a_random_order_that_the_seed_decides() -> None:
    """AWS promises none; the same seed gives the same."""
    orders = []
    for seed in (1, 1, 2):
        queue = Sqs(Scheduler(seed)).create_queue("jobs")
        for number in range(50):
            queue.send(str(number))
        orders.append(bodies(queue.receive(50)))
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0], key=int) == [str(number) for number in range(50)] != orders[0]


def test_a_queue_can_be_told_to_keep_the_order_at_any_time(sqs: Sqs) -> None:
    """Then what is there comes in the order of sending, whatever has happened to it."""
    queue = sqs.create_queue("jobs")
    for number in range(20):
        queue.send(str(number))
    queue.receive(10, visibility_timeout_seconds=0)
    queue.shuffles = False
    assert bodies(queue.receive(20)) == [str(number) for number in range(20)]


def test_a_message_in_flight_is_not_given_before_its_timeout_has_passed(scheduler: Scheduler, sqs: Sqs) -> None:
    """Then it is given again, with another handle and a higher count."""
    queue = in_order(sqs, VisibilityTimeout="30")
    queue.send("a")
    (first,) = queue.receive()
    scheduler.sleep(29.9)
    assert queue.receive() == []
    scheduler.sleep(0.1)
    (second,) = queue.receive()
    assert (first.message_id, first.receive_count) == (second.message_id, 1)
    assert second.receive_count == 2
    assert first.receipt_handle != second.receipt_handle
    assert first.first_received_at == second.first_received_at == scheduler.now - 30


def test_more_than_ten_can_be_taken_at_once(sqs: Sqs) -> None:
    """The limit is the API's; Lambda's pollers put more into a batch."""
    queue = sqs.create_queue("jobs")
    for number in range(10_000):
        queue.send(str(number))
    assert len(queue.receive(9_999)) == 9_999
    assert len(queue.receive(9_999)) == 1


def test_a_delayed_message_comes_later(scheduler: Scheduler, sqs: Sqs) -> None:
    """By the message's own delay, or by the queue's; none is a delay too."""
    queue = in_order(sqs, DelaySeconds="10")
    queue.send("as the queue")
    queue.send("its own", delay_seconds=5)
    queue.send("none", delay_seconds=0)
    assert (queue.counts.visible, queue.counts.delayed) == (1, 2)
    received = [bodies(queue.receive())]
    for _ in range(2):
        scheduler.sleep(5)
        received.append(bodies(queue.receive()))
    assert received == [["none"], ["its own"], ["as the queue"]]


def test_a_deleted_message_does_not_come_again(scheduler: Scheduler, sqs: Sqs) -> None:
    """Deleting it again does nothing."""
    queue = in_order(sqs)
    queue.send("a")
    (received,) = queue.receive()
    assert queue.delete(received.receipt_handle)
    assert not queue.delete(received.receipt_handle)
    scheduler.sleep(100)
    assert queue.receive() == []
    assert queue.messages() == []
    assert queue.counts.deleted == 1


def test_a_message_that_has_become_visible_can_still_be_deleted(scheduler: Scheduler, sqs: Sqs) -> None:
    """With the last handle, however late: recorded on AWS by LocalStack, test_delete_after_visibility_timeout."""
    queue = in_order(sqs, VisibilityTimeout="1")
    queue.send("a")
    (received,) = queue.receive()
    scheduler.sleep(2)
    assert queue.counts.visible == 1
    assert queue.delete(received.receipt_handle)
    assert queue.receive() == []


def test_an_old_handle_may_delete_or_not(scheduler: Scheduler, sqs: Sqs) -> None:
    """AWS says that the message might not be deleted; the world decides how likely it is."""
    deleted = {}
    for likely in (0.0, 0.5, 1.0):
        queue = sqs.create_queue(f"jobs-{likely * 10:.0f}", {"VisibilityTimeout": "1"})
        queue.old_handles_act = likely
        for number in range(200):
            queue.send(str(number))
        old = queue.receive(200)
        scheduler.sleep(1)
        new = queue.receive(200)
        deleted[likely] = sum(queue.delete(message.receipt_handle) for message in old)
        assert sum(queue.delete(message.receipt_handle) for message in new) == 200 - deleted[likely]
    assert (deleted[0.0], deleted[1.0]) == (0, 200)
    assert 50 < deleted[0.5] < 150


def test_a_duplicate_of_a_message_in_flight(sqs: Sqs) -> None:
    """It is given to another while the first still has it, and either can delete it."""
    queue = in_order(sqs)
    message_id = queue.send("a")
    (first,) = queue.receive()
    assert queue.redeliver(message_id)
    assert not queue.redeliver(message_id), "it is there to be received already"
    assert (queue.counts.visible, queue.counts.not_visible) == (1, 0)
    (second,) = queue.receive()
    assert (second.message_id, second.receive_count) == (message_id, 2)
    assert first.receipt_handle != second.receipt_handle
    assert queue.delete(second.receipt_handle)
    assert not queue.delete(first.receipt_handle)


def test_a_duplicate_of_a_message_that_was_just_deleted(sqs: Sqs) -> None:
    """It is there once more, as it was, and can be deleted for good."""
    queue = in_order(sqs)
    message_id = queue.send("a")
    queue.send("b")
    first, _ = queue.receive()
    queue.delete(first.receipt_handle)
    assert queue.redeliver(message_id)
    assert [message.body for message in queue.messages()] == ["a", "b"]
    (second,) = queue.receive()
    assert (second.message_id, second.receive_count) == (message_id, 2)
    assert queue.delete(second.receipt_handle)
    assert queue.receive() == []


def test_there_is_no_duplicate_of_what_never_was_received(sqs: Sqs) -> None:
    """Nor of what SQS itself keeps from being given twice."""
    queue = in_order(sqs)
    assert not queue.redeliver(queue.send("a"))
    assert not queue.redeliver(queue.send("b", delay_seconds=5))
    assert not queue.redeliver("nobody's")
    fifo = sqs.create_queue("orders.fifo")
    message_id = fifo.send("a", group="g", deduplication_id="1")
    fifo.receive()
    assert not fifo.redeliver(message_id)


def test_groups_of_a_standard_queue_order_nothing(sqs: Sqs) -> None:
    """They are for fairness: many of one can be in flight.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
    """
    queue = in_order(sqs)
    for number in range(3):
        queue.send(str(number), group="tenant")
    (first,) = queue.receive(1)
    (second,) = queue.receive(1)
    assert (first.group, second.group, first.sequence_number) == ("tenant", "tenant", None)


def test_what_is_looked_at_is_not_touched(sqs: Sqs) -> None:
    """Everything is shown, in the order of sending, with what became of it."""
    queue = sqs.create_queue("jobs")
    queue.send("a", attributes={"type": {"DataType": "String", "StringValue": "order"}})
    queue.send("b", delay_seconds=5)
    queue.receive()
    first, second = queue.messages()
    assert (first.body, first.receive_count, first.attributes["type"]["StringValue"]) == ("a", 1, "order")
    assert (second.body, second.receive_count, second.first_received_at) == ("b", 0, None)
    assert first.md5 == "0cc175b9c0f1b6a831c399e269772661"
    assert queue.messages() == [first, second]


def test_what_is_deleted_is_forgotten(sqs: Sqs) -> None:
    """However long the timeouts are, a queue through which much has gone is small."""
    dead = sqs.create_queue("dead")
    queue = sqs.create_queue("jobs", {"VisibilityTimeout": "43200", "RedrivePolicy": redrive_policy(dead, 3)})
    fifo = sqs.create_queue("orders.fifo", {"VisibilityTimeout": "43200"})
    for number in range(8_000):
        queue.send(f"body {number}")
        fifo.send(f"body {number}", group=f"g{number}", deduplication_id=str(number))
        for each in (queue, fifo):
            (received,) = each.receive()
            each.delete(received.receipt_handle)
    del received
    gc.collect()
    alive = sum(type(thing).__name__ == "Message" for thing in gc.get_objects())
    assert alive < 5_000, "a thousand that may be redelivered, and what is not worth tidying up"


def test_tidying_up_loses_nothing_and_keeps_the_times(scheduler: Scheduler, sqs: Sqs) -> None:
    """Of thousands with times of their own, those that are left become visible each at its own."""
    queue = sqs.create_queue("jobs")
    for number in range(5_000):
        queue.send(str(number))
    begun = scheduler.now
    visible_at = {}
    for number, message in enumerate(queue.receive(5_000, visibility_timeout_seconds=20_000)):
        if number % 10:
            queue.delete(message.receipt_handle)
        else:
            for seconds in (10_000, 1 + number * 7_919 % 5_000):
                queue.change_visibility(message.receipt_handle, seconds)
            visible_at[message.body] = begun + seconds
    found: dict[str, float] = {}
    while (ready_at := queue.ready_at()) is not None and ready_at < begun + 10_000:
        scheduler.now = ready_at
        found |= {message.body: ready_at for message in queue.receive(5_000, visibility_timeout_seconds=20_000)}
    assert found == visible_at
    assert len(found) == 500


@pytest.mark.parametrize("shuffles", [True, False])
def test_tidying_up_loses_nothing_that_is_visible(scheduler: Scheduler, sqs: Sqs, shuffles: bool) -> None:
    """Of thousands of which most are deleted while they are visible, the others come."""
    queue = sqs.create_queue("jobs", {"VisibilityTimeout": "1"})
    queue.shuffles = shuffles
    for number in range(5_000):
        queue.send(str(number))
    received = queue.receive(5_000)
    scheduler.sleep(1)
    assert queue.counts.visible == 5_000
    left = {message.body for number, message in enumerate(received) if number % 10 == 0}
    for message in received:
        if message.body not in left:
            assert queue.delete(message.receipt_handle)
    assert {message.body for message in queue.receive(5_000)} == left


def test_receives_are_counted(sqs: Sqs) -> None:
    """Every total has its own."""
    queue = in_order(sqs)
    for body in "abc":
        queue.send(body)
    for message in queue.receive(2):
        queue.delete(message.receipt_handle)
    counts = queue.counts
    assert (counts.sent, counts.received, counts.deleted, counts.visible) == (3, 2, 2, 1)
    assert (counts.not_visible, counts.delayed) == (0, 0)
