"""Queues are made, found, changed, emptied and removed."""

from __future__ import annotations

import pytest

from testing.scheduler import Scheduler
from testing.sqs import Client, Refused, Sqs
from tests.testing.sqs.observing import code_and_message, fifo_queue, in_order, refusal


def test_a_queue_is_found_by_its_name_url_or_arn(sqs: Sqs) -> None:
    """And by nothing else."""
    queue = sqs.create_queue("jobs")
    assert queue.url == "https://sqs.us-east-1.amazonaws.com/000000000000/jobs"
    assert queue.arn == "arn:aws:sqs:us-east-1:000000000000:jobs"
    assert sqs.queue("jobs") is sqs.queue(queue.url) is sqs.queue(queue.arn) is queue
    with pytest.raises(Refused, match="The specified queue does not exist"):
        sqs.queue("job")


def test_new_queues_have_awss_defaults(client: Client, scheduler: Scheduler) -> None:
    """Recorded on AWS by LocalStack, test_fifo_set_content_based_deduplication_strategy."""
    url = client.create_queue(QueueName="orders.fifo", Attributes={"FifoQueue": "True"})["QueueUrl"]
    assert client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"] == {
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "ContentBasedDeduplication": "false",
        "CreatedTimestamp": str(int(scheduler.now)),
        "DeduplicationScope": "queue",
        "DelaySeconds": "0",
        "FifoQueue": "true",
        "FifoThroughputLimit": "perQueue",
        "LastModifiedTimestamp": str(int(scheduler.now)),
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "QueueArn": "arn:aws:sqs:us-east-1:000000000000:orders.fifo",
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
        "VisibilityTimeout": "30",
    }


def test_attributes_can_be_asked_for_by_name(client: Client, sqs: Sqs) -> None:
    """Without names there are none."""
    sqs.create_queue("jobs")
    shown = client.get_queue_attributes(QueueUrl="jobs", AttributeNames=["VisibilityTimeout", "RedrivePolicy"])
    assert shown["Attributes"] == {"VisibilityTimeout": "30"}
    assert "Attributes" not in client.get_queue_attributes(QueueUrl="jobs")
    assert code_and_message(client.get_queue_attributes, QueueUrl="jobs", AttributeNames=["Colour"]) == (
        "InvalidAttributeName",
        "Unknown Attribute Colour.",
    )


def test_a_queue_of_the_same_name_must_be_the_same(client: Client) -> None:
    """As far as attributes are named."""
    first = client.create_queue(QueueName="jobs", Attributes={"DelaySeconds": "5"})
    assert (
        client.create_queue(QueueName="jobs")
        == client.create_queue(QueueName="jobs", Attributes={"DelaySeconds": "5"})
        == first
    )
    response = refusal(client.create_queue, QueueName="jobs", Attributes={"DelaySeconds": "6"})
    assert response["Error"] == {
        "Code": "QueueAlreadyExists",
        "Message": "A queue already exists with the same name and a different value for attribute DelaySeconds",
        "QueryErrorCode": "QueueNameExists",
        "Type": "Sender",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VisibilityTimeout", "43201"),
        ("VisibilityTimeout", "-1"),
        ("VisibilityTimeout", "soon"),
        ("MessageRetentionPeriod", "59"),
        ("MessageRetentionPeriod", "1209601"),
        ("DelaySeconds", "901"),
        ("MaximumMessageSize", "1023"),
        ("MaximumMessageSize", "1048577"),
        ("ReceiveMessageWaitTimeSeconds", "21"),
        ("DeduplicationScope", "galaxy"),
        ("FifoThroughputLimit", "none"),
        ("ContentBasedDeduplication", "perhaps"),
    ],
)
def test_values_have_bounds(client: Client, sqs: Sqs, name: str, value: str) -> None:
    """What does not fit leaves everything as it was."""
    queue = fifo_queue(sqs)
    before = queue.settings
    code, message = code_and_message(
        client.set_queue_attributes, QueueUrl=queue.url, Attributes={"DelaySeconds": "7", name: value}
    )
    assert code == "InvalidAttributeValue"
    assert message == f"Invalid value for the parameter {name}."
    assert queue.settings == before


def test_high_throughput_needs_the_scope_of_groups(client: Client, sqs: Sqs) -> None:
    """perMessageGroupId is allowed only with messageGroup."""
    queue = fifo_queue(sqs)
    limit = {"FifoThroughputLimit": "perMessageGroupId"}
    assert code_and_message(client.set_queue_attributes, QueueUrl=queue.url, Attributes=limit)[0] == (
        "InvalidAttributeValue"
    )
    both = {**limit, "DeduplicationScope": "messageGroup"}
    client.set_queue_attributes(QueueUrl=queue.url, Attributes=both)
    assert queue.settings.per_group


def test_a_standard_queue_has_no_fifo_attributes(client: Client, sqs: Sqs) -> None:
    """Recorded on AWS by LocalStack, test_create_standard_queue_with_fifo_attribute_raises_error."""
    for name, value, words in (
        ("FifoQueue", "false", "Unknown Attribute FifoQueue."),
        ("ContentBasedDeduplication", "false", "Unknown Attribute ContentBasedDeduplication."),
        ("DeduplicationScope", "queue", "You can specify the DeduplicationScope only when FifoQueue is set to true."),
        (
            "FifoThroughputLimit",
            "perQueue",
            "You can specify the FifoThroughputLimit only when FifoQueue is set to true.",
        ),
    ):
        assert code_and_message(client.create_queue, QueueName="jobs", Attributes={name: value}) == (
            "InvalidAttributeName",
            words,
        )
    fifo_queue(sqs)
    assert code_and_message(client.set_queue_attributes, QueueUrl="orders.fifo", Attributes={"FifoQueue": "false"}) == (
        "InvalidAttributeValue",
        "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
    )


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 81, "orders.fifo"])
def test_names_have_a_form(client: Client, name: str) -> None:
    """Only FIFO queues end with .fifo, and they must."""
    assert code_and_message(client.create_queue, QueueName=name) == (
        "InvalidParameterValue",
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
    )
    _, message = code_and_message(client.create_queue, QueueName="orders", Attributes={"FifoQueue": "true"})
    assert message.startswith("The name of a FIFO queue can only include")


def test_queues_are_listed_by_name(client: Client, sqs: Sqs) -> None:
    """In pages where these are asked for."""
    urls = [sqs.create_queue(f"jobs-{number}").url for number in (2, 0, 1)]
    sqs.create_queue("orders.fifo")
    assert client.list_queues(QueueNamePrefix="jobs")["QueueUrls"] == sorted(urls)
    page = client.list_queues(QueueNamePrefix="jobs", MaxResults=2)
    assert page["QueueUrls"] == sorted(urls)[:2]
    rest = client.list_queues(QueueNamePrefix="jobs", MaxResults=2, NextToken=page["NextToken"])
    assert (rest["QueueUrls"], "NextToken" in rest) == (sorted(urls)[2:], False)
    assert "QueueUrls" not in client.list_queues(QueueNamePrefix="nothing")


def test_a_deleted_queue_is_gone(client: Client, scheduler: Scheduler, sqs: Sqs) -> None:
    """For a minute no other can have its name; then it is a new queue."""
    queue = sqs.create_queue("jobs")
    queue.send("a")
    (received,) = queue.receive()
    client.delete_queue(QueueUrl=queue.url)
    with pytest.raises(client.exceptions.QueueDoesNotExist):
        client.send_message(QueueUrl=queue.url, MessageBody="x")
    with pytest.raises(client.exceptions.QueueDoesNotExist):
        client.get_queue_url(QueueName="jobs")
    assert code_and_message(client.create_queue, QueueName="jobs")[0] == "AWS.SimpleQueueService.QueueDeletedRecently"
    scheduler.sleep(60)
    assert sqs.create_queue("jobs").messages() == []
    assert client.get_queue_url(QueueName="jobs")["QueueUrl"] == queue.url
    request = {"QueueUrl": queue.url, "ReceiptHandle": received.receipt_handle}
    assert code_and_message(client.delete_message, **request)[0] == "ReceiptHandleIsInvalid"


def test_a_purge_removes_everything(client: Client, scheduler: Scheduler, sqs: Sqs) -> None:
    """What is in flight or delayed too; once a minute."""
    queue = in_order(sqs)
    ids = [queue.send("a"), queue.send("b"), queue.send("c", delay_seconds=5)]
    queue.receive(1)
    client.purge_queue(QueueUrl=queue.url)
    assert (queue.messages(), queue.ready_at(), queue.counts.purged) == ([], None, 3)
    response = refusal(client.purge_queue, QueueUrl=queue.url)
    assert response["Error"]["Code"] == "AWS.SimpleQueueService.PurgeQueueInProgress"
    assert response["Error"]["Message"] == "Only one PurgeQueue operation on jobs is allowed every 60 seconds."
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert queue.send("d") not in ids
    scheduler.sleep(60)
    client.purge_queue(QueueUrl=queue.url)
    assert queue.messages() == []


def test_changes_hold_at_once(client: Client, scheduler: Scheduler, sqs: Sqs) -> None:
    """And are dated."""
    queue = in_order(sqs)
    queue.send("a")
    scheduler.sleep(10)
    client.set_queue_attributes(QueueUrl=queue.url, Attributes={"VisibilityTimeout": "5"})
    queue.receive()
    assert queue.ready_at() == scheduler.now + 5
    shown = client.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])["Attributes"]
    assert shown["LastModifiedTimestamp"] == str(int(scheduler.now))
    assert shown["CreatedTimestamp"] == str(int(scheduler.now) - 10)
