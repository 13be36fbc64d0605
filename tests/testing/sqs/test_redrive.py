"""What was received too often goes to the dead-letter queue, if that may be one."""

from __future__ import annotations

import json

import pytest

from testing.scheduler import Scheduler
from testing.sqs import Client, Queue, Refused, Sqs
from tests.testing.sqs.observing import bodies, code_and_message, fifo_queue, in_order, redrive_policy

TYPE = {"type": {"DataType": "String", "StringValue": "order"}}


@pytest.fixture
def dead(sqs: Sqs) -> Queue:
    return in_order(sqs, "dead", VisibilityTimeout="0")


@pytest.fixture
def queue(sqs: Sqs, dead: Queue) -> Queue:
    return in_order(sqs, VisibilityTimeout="10", RedrivePolicy=redrive_policy(dead, 2))


def test_it_goes_when_it_would_be_received_once_more(scheduler: Scheduler, queue: Queue, dead: Queue) -> None:
    """Not when the last timeout passes: until somebody asks, it lies where it is."""
    queue.send("a")
    for count in (1, 2):
        (received,) = queue.receive()
        assert received.receive_count == count
        scheduler.sleep(10)
    assert (queue.counts.visible, dead.counts.visible) == (1, 0)
    assert queue.ready_at() == scheduler.now, "there is something to do"
    assert queue.receive() == []
    assert queue.ready_at() is None
    assert bodies(dead.receive()) == ["a"]
    assert (queue.counts.moved_out, dead.counts.moved_in, dead.counts.sent) == (1, 1, 0)


def test_a_standard_letter_is_the_message_as_it_was(scheduler: Scheduler, queue: Queue, dead: Queue) -> None:
    """Id, attributes and time of sending stay, receives count on: recorded on AWS by LocalStack,
    test_dead_letter_queue_message_attributes."""
    message_id = queue.send("a", attributes=TYPE)
    sent_at = scheduler.now
    for _ in range(3):
        queue.receive()
        scheduler.sleep(10)
    (letter,) = dead.receive()
    assert (letter.message_id, letter.attributes, letter.sent_at) == (message_id, TYPE, sent_at)
    assert (letter.receive_count, letter.first_received_at) == (3, sent_at)
    assert letter.dead_letter_source_arn == queue.arn


def test_a_fifo_letter_has_a_new_time_and_deduplication_id(scheduler: Scheduler, sqs: Sqs) -> None:
    """The latter is the message's id, so that two with one id can both be kept."""
    dead = sqs.create_queue("dead.fifo")
    queue = fifo_queue(sqs, VisibilityTimeout="10", RedrivePolicy=redrive_policy(dead))
    first = queue.send("a", group="g", deduplication_id="1")
    queue.receive()
    scheduler.sleep(10)
    queue.receive()
    scheduler.sleep(300)
    second = queue.send("a", group="g", deduplication_id="1")
    queue.receive()
    scheduler.sleep(10)
    queue.receive()
    letters = dead.messages()
    assert [letter.message_id for letter in letters] == [first, second]
    assert [letter.deduplication_id for letter in letters] == [first, second]
    assert [letter.sent_at for letter in letters] == [scheduler.now - 310, scheduler.now]


def test_a_group_goes_on_past_a_dead_letter(scheduler: Scheduler, sqs: Sqs) -> None:
    """In the same receive."""
    dead = sqs.create_queue("dead.fifo")
    queue = fifo_queue(sqs, VisibilityTimeout="10", RedrivePolicy=redrive_policy(dead))
    for body in ("a", "b", "c"):
        queue.send(body, group="g")
    assert bodies(queue.receive(2)) == ["a", "b"]
    scheduler.sleep(10)
    assert bodies(queue.receive()) == ["c"]
    assert [letter.body for letter in dead.messages()] == ["a", "b"]


def test_a_letter_is_as_old_as_its_message(scheduler: Scheduler, sqs: Sqs) -> None:
    """Where the dead-letter queue's retention is no longer than the queue's, it vanishes from there too soon.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/setting-up-dead-letter-queue-retention.html
    """
    dead = sqs.create_queue("dead", {"MessageRetentionPeriod": "100"})
    queue = sqs.create_queue("jobs", {"MessageRetentionPeriod": "100", "RedrivePolicy": redrive_policy(dead)})
    dead.send("younger")
    queue.send("a")
    scheduler.sleep(50)
    dead.send("youngest")
    queue.receive(visibility_timeout_seconds=0)
    queue.receive()
    scheduler.sleep(49)
    assert dead.counts.visible == 3
    scheduler.sleep(1)
    assert [letter.body for letter in dead.messages()] == ["youngest"]


def test_each_queue_counts_the_receives_of_its_own_policy(sqs: Sqs) -> None:
    """A letter can be received from a dead-letter queue that has one itself."""
    last = in_order(sqs, "last")
    middle = in_order(sqs, "middle", RedrivePolicy=redrive_policy(last), VisibilityTimeout="0")
    queue = in_order(sqs, RedrivePolicy=redrive_policy(middle, 3), VisibilityTimeout="0")
    queue.send("a")
    for _ in range(4):
        queue.receive()
    (received,) = middle.receive()
    assert received.receive_count == 4
    assert middle.receive() == []
    (letter,) = last.messages()
    assert letter.dead_letter_source_arn == middle.arn


def test_without_its_dead_letter_queue_a_queue_keeps_its_messages(sqs: Sqs, queue: Queue, dead: Queue) -> None:
    """They are received as often as it takes."""
    sqs.delete_queue(dead)
    queue.send("a")
    for _ in range(5):
        assert bodies(queue.receive(visibility_timeout_seconds=0)) == ["a"]


def test_a_dead_letter_is_told_to_who_watches(queue: Queue, dead: Queue) -> None:
    """As whatever else comes."""
    told = []
    dead.watch = lambda: told.append(dead.ready_at())
    queue.send("a")
    for _ in range(3):
        queue.receive(visibility_timeout_seconds=0)
    assert len(told) == 1


def test_a_dead_letter_queue_must_be_there_and_of_the_same_type(client: Client, sqs: Sqs) -> None:
    """The words are AWS's, two full stops included."""
    fifo = sqs.create_queue("dead.fifo")
    policy = redrive_policy(fifo)
    code, message = code_and_message(client.create_queue, QueueName="jobs", Attributes={"RedrivePolicy": policy})
    assert code == "InvalidParameterValue"
    assert message == (
        f"Value {policy} for parameter RedrivePolicy is invalid. "
        "Reason: Dead-letter queue must be same type of queue as the source.."
    )
    policy = policy.replace("dead.fifo", "nowhere")
    _, message = code_and_message(client.create_queue, QueueName="jobs", Attributes={"RedrivePolicy": policy})
    assert (
        message == f"Value {policy} for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist."
    )
    assert client.list_queues()["QueueUrls"] == [fifo.url]


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("nonsense", "Redrive policy is not a valid JSON map."),
        ("[]", "Redrive policy is not a valid JSON map."),
        ("{}", "Redrive policy does not contain mandatory attribute: maxReceiveCount."),
        ('{"maxReceiveCount":5}', "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."),
        (
            '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1001}',
            "Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive.",
        ),
        (
            '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":0}',
            "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive.",
        ),
        (
            '{"deadLetterTargetArn":"dead","maxReceiveCount":5}',
            "Dead-letter target ARN should be fully qualified ARN.",
        ),
        (
            '{"deadLetterTargetArn":"arn:aws:sns:us-east-1:000000000000:dead","maxReceiveCount":5}',
            "Only SQS queues are valid resources for deadLetterTargetArn.",
        ),
        (
            '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":5,"more":1}',
            "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].",
        ),
    ],
)
def test_a_redrive_policy_must_be_one(queue: Queue, client: Client, policy: str, reason: str) -> None:
    """Otherwise the queue keeps the one that it had."""
    before = queue.settings
    _, message = code_and_message(client.set_queue_attributes, QueueUrl=queue.url, Attributes={"RedrivePolicy": policy})
    assert message.endswith(f"Reason: {reason}")
    assert queue.settings == before


def test_a_redrive_policy_can_be_taken_away(queue: Queue, client: Client) -> None:
    """With an empty value: recorded on AWS by LocalStack, test_set_empty_redrive_policy."""
    client.set_queue_attributes(QueueUrl=queue.url, Attributes={"RedrivePolicy": ""})
    shown = client.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])["Attributes"]
    assert "RedrivePolicy" not in shown
    queue.send("a")
    for _ in range(5):
        assert bodies(queue.receive(visibility_timeout_seconds=0)) == ["a"]


def test_a_queue_may_be_its_own_dead_letter_queue(sqs: Sqs) -> None:
    """AWS allows it; the message goes to the end, and its receives count anew."""
    queue = in_order(sqs)
    sqs.configure(queue, {"RedrivePolicy": redrive_policy(queue)})
    for body in ("a", "b"):
        queue.send(body)
    assert bodies(queue.receive(1, visibility_timeout_seconds=0)) == ["a"]
    assert bodies(queue.receive(2)) == ["b", "a"]


def test_a_queue_may_refuse_to_be_a_dead_letter_queue(sqs: Sqs, queue: Queue) -> None:
    """To all, or to all but some."""
    for allowed, takes in (
        ({"redrivePermission": "denyAll"}, False),
        ({"redrivePermission": "byQueue", "sourceQueueArns": [f"{queue.arn}-other"]}, False),
        ({"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}, True),
        ({"redrivePermission": "allowAll"}, True),
    ):
        dead = sqs.create_queue(f"dead-{len(sqs.queues())}", {"RedriveAllowPolicy": json.dumps(allowed)})
        if takes:
            sqs.configure(queue, {"RedrivePolicy": redrive_policy(dead)})
            assert sqs.sources_of(dead) == [queue]
        else:
            with pytest.raises(Refused, match="redrive allow policy"):
                sqs.configure(queue, {"RedrivePolicy": redrive_policy(dead)})
            with pytest.raises(Refused, match="redrive allow policy"):
                sqs.create_queue("new", {"RedrivePolicy": redrive_policy(dead)})


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("nonsense", "unsupported format"),
        ("{}", "unsupported format"),
        ('{"redrivePermission":"someOfThem"}', "unsupported format"),
        ('{"redrivePermission":"allowAll","more":1}', "unsupported format"),
        ('{"redrivePermission":"byQueue","sourceQueueArns":"one"}', "unsupported format"),
        ('{"redrivePermission":"byQueue"}', "you must also specify one or more sourceQueueArns values"),
        ('{"redrivePermission":"denyAll","sourceQueueArns":["one"]}', "you must set redrivePermission to byQueue"),
        (
            json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [str(n) for n in range(11)]}),
            "The maximum number of source queue ARNs you can specify is 10",
        ),
    ],
)
def test_a_redrive_allow_policy_must_be_one(client: Client, policy: str, reason: str) -> None:
    """The words are AWS's."""
    _, message = code_and_message(client.create_queue, QueueName="dead", Attributes={"RedriveAllowPolicy": policy})
    assert reason in message


def test_a_dead_letter_queue_knows_its_sources(client: Client, queue: Queue, dead: Queue) -> None:
    """By name; the reply's member begins in lower case."""
    assert client.list_dead_letter_source_queues(QueueUrl=dead.url)["queueUrls"] == [queue.url]
    assert client.list_dead_letter_source_queues(QueueUrl=queue.url)["queueUrls"] == []
