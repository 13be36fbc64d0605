"""A FIFO queue gives the messages of a group in order, and groups by turns.

What names a test of LocalStack's was recorded on AWS by it:
https://github.com/localstack/localstack/blob/8b9a79f05846835cf4dff63ab7eefdde9df83783/tests/aws/services/sqs/test_sqs.py
"""

from __future__ import annotations

import pytest

from testing.scheduler import Scheduler
from testing.sqs import Queue, Sqs
from tests.testing.sqs.observing import bodies, fifo_queue


def send(queue: Queue, *messages: str) -> None:
    """Send bodies that begin with the name of their group."""
    for body in messages:
        queue.send(body, group=body.partition("-")[0])


def test_one_receive_takes_a_group_after_the_other(sqs: Sqs) -> None:
    """As many of a group as there are, in order: test_fifo_receive_message_group_id_ordering."""
    queue = fifo_queue(sqs)
    send(queue, "g1-m1", "g2-m1", "g1-m2", "g1-m3")
    assert bodies(queue.receive()) == ["g1-m1", "g1-m2", "g1-m3", "g2-m1"]


def test_a_message_in_flight_holds_back_those_behind_it(sqs: Sqs) -> None:
    """Of its group only: test_fifo_receive_message_visibility_timeout_shared_in_group."""
    queue = fifo_queue(sqs)
    send(queue, "g1-m1", "g1-m2", "g1-m3", "g2-m1", "g3-m1")
    assert bodies(queue.receive(2)) == ["g1-m1", "g1-m2"]
    assert bodies(queue.receive(1)) == ["g2-m1"]
    assert bodies(queue.receive()) == ["g3-m1"]
    assert queue.receive() == []


def test_groups_take_turns(scheduler: Scheduler, sqs: Sqs) -> None:
    """A group that was served comes last, however much it has."""
    queue = fifo_queue(sqs, VisibilityTimeout="1")
    send(queue, *(f"big-{number}" for number in range(10)), "small-1", "other-1")
    turns = []
    for _ in range(6):
        (received,) = queue.receive(1)
        turns.append(received.body)
        queue.delete(received.receipt_handle)
    assert turns == ["big-0", "small-1", "other-1", "big-1", "big-2", "big-3"]
    del scheduler


def test_a_deleted_message_frees_those_behind_it(sqs: Sqs) -> None:
    """Once all that were received are deleted: test_fifo_message_group_visibility_after_partial_delete."""
    queue = fifo_queue(sqs)
    send(queue, "g1-m1", "g2-m1", "g1-m2", "g2-m2", "g1-m3", "g3-m1")
    first, second = queue.receive(2)
    assert (first.body, second.body) == ("g1-m1", "g1-m2")
    queue.delete(first.receipt_handle)
    assert bodies(queue.receive()) == ["g2-m1", "g2-m2", "g3-m1"]
    queue.delete(second.receipt_handle)
    assert bodies(queue.receive()) == ["g1-m3"]


def test_deletion_out_of_order_frees_nothing(sqs: Sqs) -> None:
    """While the first is in flight, it does not matter what was deleted behind it."""
    queue = fifo_queue(sqs)
    send(queue, "g1-m1", "g1-m2", "g1-m3", "g1-m4")
    first, second, third = queue.receive(3)
    queue.delete(second.receipt_handle)
    queue.delete(third.receipt_handle)
    assert queue.receive() == []
    queue.delete(first.receipt_handle)
    assert bodies(queue.receive()) == ["g1-m4"]


def test_messages_in_flight_do_not_hold_back_those_before_them(sqs: Sqs) -> None:
    """The first is given again, alone: test_fifo_message_group_visibility_after_terminate_visibility_timeout."""
    queue = fifo_queue(sqs)
    send(queue, "g1-m1", "g1-m2", "g2-m1")
    first, _ = queue.receive(2)
    queue.change_visibility(first.receipt_handle, 0)
    assert bodies(queue.receive(3)) == ["g2-m1", "g1-m1"]


@pytest.mark.parametrize(("extended", "given"), [(0, []), (1, ["foo"]), (2, ["foo", "bar"])])
def test_what_is_hidden_longer_holds_back_those_behind_it(
    scheduler: Scheduler, sqs: Sqs, extended: int, given: list[str]
) -> None:
    """test_fifo_group_visibility_extends_with_change_message_visibility."""
    queue = fifo_queue(sqs, VisibilityTimeout="1")
    for body in ("foo", "bar", "baz"):
        queue.send(body, group="1")
    received = queue.receive(5)
    queue.change_visibility(received[extended].receipt_handle, 4)
    scheduler.sleep(2.5)
    assert bodies(queue.receive(5)) == given


def test_a_group_comes_again_in_order(scheduler: Scheduler, sqs: Sqs) -> None:
    """With what was sent meanwhile behind it: test_fifo_messages_in_order_after_timeout."""
    queue = fifo_queue(sqs, VisibilityTimeout="10")
    send(queue, "g1-m1", "g1-m2")
    queue.receive()
    send(queue, "g1-m3")
    assert queue.receive() == []
    scheduler.sleep(10)
    assert bodies(queue.receive()) == ["g1-m1", "g1-m2", "g1-m3"]


def test_a_receive_without_a_timeout_takes_turns(sqs: Sqs) -> None:
    """test_fifo_receive_message_with_zero_visibility_timeout."""
    queue = fifo_queue(sqs)
    send(queue, "g1-m1", "g2-m1", "g2-m2", "g3-m1", "g1-m2")
    assert bodies(queue.receive(3, visibility_timeout_seconds=0)) == ["g1-m1", "g1-m2", "g2-m1"]
    assert bodies(queue.receive(10, visibility_timeout_seconds=0)) == ["g3-m1", "g1-m1", "g1-m2", "g2-m1", "g2-m2"]


def test_a_group_that_was_empty_is_served_again(sqs: Sqs) -> None:
    """test_fifo_empty_message_groups_added_back_to_queue."""
    queue = fifo_queue(sqs)
    send(queue, "g1-m1")
    (received,) = queue.receive()
    queue.delete(received.receipt_handle)
    assert queue.receive() == []
    send(queue, "g1-m2")
    assert bodies(queue.receive()) == ["g1-m2"]


def test_an_expired_handle_never_deletes(scheduler: Scheduler, sqs: Sqs) -> None:
    """From the moment on at which the message is visible: test_fifo_delete_after_visibility_timeout."""
    queue = fifo_queue(sqs, VisibilityTimeout="1")
    send(queue, "g1-m1")
    (first,) = queue.receive()
    scheduler.sleep(1)
    assert not queue.delete(first.receipt_handle)
    (second,) = queue.receive()
    assert not queue.delete(first.receipt_handle)
    assert queue.delete(second.receipt_handle)


def test_a_handle_lives_as_long_as_its_message_is_hidden(scheduler: Scheduler, sqs: Sqs) -> None:
    """test_fifo_delete_after_visibility_timeout_extended."""
    queue = fifo_queue(sqs, VisibilityTimeout="1")
    send(queue, "g1-m1")
    (received,) = queue.receive()
    queue.change_visibility(received.receipt_handle, 5)
    scheduler.sleep(1.5)
    assert queue.delete(received.receipt_handle)


def test_a_delayed_message_holds_back_its_group(scheduler: Scheduler, sqs: Sqs) -> None:
    """The delay is the queue's, for all: test_fifo_queue_send_message_with_delay_on_queue_works."""
    queue = fifo_queue(sqs, DelaySeconds="2")
    send(queue, "g1-m1")
    scheduler.sleep(1)
    send(queue, "g1-m2")
    scheduler.sleep(1)
    (received,) = queue.receive()
    assert received.body == "g1-m1"
    queue.delete(received.receipt_handle)
    assert queue.receive() == []
    scheduler.sleep(1)
    assert bodies(queue.receive()) == ["g1-m2"]


def test_sequence_numbers_rise(sqs: Sqs) -> None:
    """They have 20 digits, so they can be compared as text."""
    queue = fifo_queue(sqs)
    send(queue, *(f"g{number % 3}-{number}" for number in range(12)))
    numbers = [message.sequence_number or "" for message in queue.messages()]
    assert numbers == sorted(set(numbers))
    assert {len(number) for number in numbers} == {20}


def test_what_is_not_received_counts_as_visible(scheduler: Scheduler, sqs: Sqs) -> None:
    """Though its group is held back: test_fifo_approximate_number_of_messages_not_visible."""
    queue = fifo_queue(sqs, VisibilityTimeout="60")
    send(queue, "1-a", "1-b", "2-a", "2-b", "3-a", "3-b")
    queue.receive(1)
    queue.receive(1)
    assert (queue.counts.visible, queue.counts.not_visible) == (4, 2)
    scheduler.sleep(60)
    assert (queue.counts.visible, queue.counts.not_visible) == (6, 0)
