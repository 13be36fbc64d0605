"""A FIFO queue takes a deduplication id once in five minutes."""

from __future__ import annotations

import hashlib

import pytest

from testing.scheduler import Scheduler
from testing.sqs import Client, Refused, Sqs
from tests.testing.sqs.observing import bodies, fifo_queue


def test_a_repeated_message_is_accepted_and_dropped(scheduler: Scheduler, sqs: Sqs) -> None:
    """For 300 seconds from the first, whatever became of that; the sender gets the first's id."""
    queue = sqs.create_queue("orders.fifo")
    first = queue.send("a", group="g", deduplication_id="1")
    (received,) = queue.receive()
    queue.delete(received.receipt_handle)
    scheduler.sleep(299)
    assert queue.send("other text", group="other group", deduplication_id="1") == first
    assert queue.messages() == []
    scheduler.sleep(1)
    assert queue.send("a", group="g", deduplication_id="1") != first
    assert bodies(queue.receive()) == ["a"]
    assert (queue.counts.sent, queue.counts.deduplicated) == (2, 1)


def test_a_repetition_does_not_prolong_the_window(scheduler: Scheduler, sqs: Sqs) -> None:
    """It begins with the message that was taken."""
    queue = sqs.create_queue("orders.fifo")
    first = queue.send("a", group="g", deduplication_id="1")
    scheduler.sleep(200)
    assert queue.send("a", group="g", deduplication_id="1") == first
    scheduler.sleep(100)
    assert queue.send("a", group="g", deduplication_id="1") != first


def test_each_group_can_have_its_own_ids(sqs: Sqs) -> None:
    """With the scope messageGroup, of high throughput or not."""
    queue = sqs.create_queue("orders.fifo", {"DeduplicationScope": "messageGroup"})
    first = queue.send("a", group="g", deduplication_id="1")
    assert queue.send("a", group="h", deduplication_id="1") != first
    assert queue.send("a", group="g", deduplication_id="1") == first
    assert [message.group for message in queue.messages()] == ["g", "h"]


def test_the_body_can_be_the_id(sqs: Sqs) -> None:
    """Its hash is; an id that is given comes first, and one that equals the hash is a repetition."""
    queue = fifo_queue(sqs)
    first = queue.send("a", group="g")
    assert queue.send("a", group="h") == first
    assert queue.send("a", group="g", deduplication_id="1") != first
    assert queue.send("b", group="g", deduplication_id=hashlib.sha256(b"a").hexdigest()) == first
    assert queue.messages()[0].deduplication_id == hashlib.sha256(b"a").hexdigest()


def test_a_fifo_queue_wants_a_group_and_an_id(sqs: Sqs) -> None:
    """Nothing is taken without."""
    queue = sqs.create_queue("orders.fifo")
    with pytest.raises(Refused, match="MessageGroupId"):
        queue.send("a", deduplication_id="1")
    with pytest.raises(Refused, match="ContentBasedDeduplication"):
        queue.send("a", group="g")
    assert queue.messages() == []


def test_a_standard_queue_deduplicates_nothing(sqs: Sqs) -> None:
    """It refuses an id."""
    queue = sqs.create_queue("jobs")
    assert queue.send("a") != queue.send("a")
    with pytest.raises(Refused, match="MessageDeduplicationId"):
        queue.send("a", deduplication_id="1")


def test_the_reply_to_a_repetition_has_the_first_ones_number(client: Client, sqs: Sqs) -> None:
    """And its id, but the digest of what was sent now."""
    sqs.create_queue("orders.fifo")
    request = {"QueueUrl": "orders.fifo", "MessageGroupId": "g", "MessageDeduplicationId": "1"}
    first = client.send_message(**request, MessageBody="a")
    second = client.send_message(**request, MessageBody="b")
    for member in ("MessageId", "SequenceNumber"):
        assert first[member] == second[member]
    assert first["MD5OfMessageBody"] != second["MD5OfMessageBody"]


def test_a_purge_forgets_the_ids(client: Client, sqs: Sqs) -> None:
    """Recorded on AWS by LocalStack, test_purge_queue_clears_fifo_deduplication_cache."""
    queue = fifo_queue(sqs)
    first = queue.send("a", group="g")
    client.purge_queue(QueueUrl=queue.url)
    assert queue.send("a", group="g") != first
    assert bodies(queue.receive()) == ["a"]


def test_another_scope_holds_for_what_is_sent_from_then_on(client: Client, sqs: Sqs) -> None:
    """At once, where AWS takes up to a minute."""
    queue = sqs.create_queue("orders.fifo")
    queue.send("a", group="g", deduplication_id="1")
    client.set_queue_attributes(QueueUrl=queue.url, Attributes={"DeduplicationScope": "messageGroup"})
    queue.send("b", group="h", deduplication_id="1")
    assert [message.body for message in queue.messages()] == ["a", "b"]
