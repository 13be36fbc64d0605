"""Visibility timeouts can be changed, within bounds."""

from __future__ import annotations

import pytest

from testing.scheduler import Scheduler
from testing.sqs import Queue, Sqs
from tests.testing.sqs.observing import bodies, fifo_queue, in_order


@pytest.fixture(params=["standard", "fifo"])
def queue(request: pytest.FixtureRequest, sqs: Sqs) -> Queue:
    made = in_order(sqs) if request.param == "standard" else fifo_queue(sqs)
    made.send("a", group="g")
    return made


def test_a_timeout_begins_anew_when_it_is_changed(scheduler: Scheduler, queue: Queue) -> None:
    """Longer or shorter, it counts from the change."""
    (received,) = queue.receive()
    scheduler.sleep(20)
    assert queue.change_visibility(received.receipt_handle, 30)
    scheduler.sleep(29)
    assert queue.receive() == []
    assert queue.change_visibility(received.receipt_handle, 0.5)
    scheduler.sleep(0.5)
    assert bodies(queue.receive()) == ["a"]


def test_a_message_can_be_given_back_at_once(queue: Queue) -> None:
    """Zero seconds are at once."""
    (received,) = queue.receive()
    assert queue.change_visibility(received.receipt_handle, 0)
    assert bodies(queue.receive()) == ["a"]


def test_a_changed_timeout_is_for_one_receive(scheduler: Scheduler, queue: Queue) -> None:
    """The next has the queue's again."""
    (received,) = queue.receive()
    queue.change_visibility(received.receipt_handle, 1_000)
    scheduler.sleep(1_000)
    queue.receive()
    scheduler.sleep(30)
    assert bodies(queue.receive()) == ["a"]


def test_twelve_hours_in_all(scheduler: Scheduler, queue: Queue) -> None:
    """From the last receive; a receive begins anew."""
    (received,) = queue.receive()
    scheduler.sleep(10)
    assert not queue.change_visibility(received.receipt_handle, 43_200 - 9)
    assert queue.change_visibility(received.receipt_handle, 43_200 - 10)
    scheduler.sleep(43_190)
    (received,) = queue.receive()
    assert queue.change_visibility(received.receipt_handle, 43_200)
    assert not queue.change_visibility(received.receipt_handle, -1)


def test_a_deleted_message_has_no_timeout(queue: Queue) -> None:
    """There is nothing to change."""
    (received,) = queue.receive()
    queue.delete(received.receipt_handle)
    assert not queue.change_visibility(received.receipt_handle, 10)
    assert not queue.change_visibility("nobody's", 10)


def test_on_a_standard_queue_a_visible_message_can_be_hidden_again(scheduler: Scheduler, sqs: Sqs) -> None:
    """While nobody else has received it: recorded on AWS by LocalStack, with the reply only, in
    test_change_message_visibility_after_visibility_timeout_expiration."""
    queue = in_order(sqs, VisibilityTimeout="1")
    queue.send("a")
    (received,) = queue.receive()
    scheduler.sleep(2)
    assert queue.change_visibility(received.receipt_handle, 2)
    assert (queue.counts.visible, queue.counts.not_visible) == (0, 1)
    assert queue.receive() == []
    scheduler.sleep(2)
    assert bodies(queue.receive()) == ["a"]
    assert queue.receive() == [], "it is there once"


def test_on_a_fifo_queue_an_expired_handle_changes_nothing(scheduler: Scheduler, sqs: Sqs) -> None:
    """Whether somebody else has received it or not."""
    queue = fifo_queue(sqs, VisibilityTimeout="1")
    queue.send("a", group="g")
    (received,) = queue.receive()
    scheduler.sleep(1)
    assert not queue.change_visibility(received.receipt_handle, 10)
    queue.receive()
    assert not queue.change_visibility(received.receipt_handle, 0)
    assert queue.counts.not_visible == 1


def test_an_old_handle_may_change_a_standard_message_or_not(scheduler: Scheduler, sqs: Sqs) -> None:
    """AWS was recorded to let it: test_terminate_visibility_timeout_after_receive of LocalStack."""
    queue = in_order(sqs, VisibilityTimeout="1")
    queue.send("a")
    (old,) = queue.receive()
    scheduler.sleep(1)
    (new,) = queue.receive()
    queue.old_handles_act = 0.0
    assert not queue.change_visibility(old.receipt_handle, 0)
    queue.old_handles_act = 1.0
    assert queue.change_visibility(old.receipt_handle, 0)
    assert bodies(queue.receive()) == ["a"]
    assert queue.delete(new.receipt_handle)
