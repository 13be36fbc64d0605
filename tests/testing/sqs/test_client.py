"""The client takes and gives what boto3's does."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from testing.scheduler import Scheduler
from testing.sqs import Client, Sqs
from testing.sqs.exceptions import MODELLED
from testing.sqs.operations import PARAMETERS
from tests.testing.sqs.observing import fifo_queue, in_order

ATTRIBUTES = {
    "General": {"DataType": "String", "StringValue": "Kenobi"},
    "Hello": {"DataType": "String", "StringValue": "There"},
    "Help.Me": {"DataType": "String", "StringValue": "Me"},
}


@pytest.fixture(scope="module")
def boto() -> object:
    return boto3.client("sqs", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


def test_it_has_boto3s_methods_and_exceptions(boto: object) -> None:
    """Every operation that there is here, and every exception of the model."""
    for name in (name for name in dir(Client) if not name.startswith("_")):
        assert hasattr(boto, name)
    for name in MODELLED:
        assert issubclass(getattr(Client.exceptions, name), ClientError)
        assert hasattr(boto.exceptions, name)  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="NoSuchThing"):
        _ = Client.exceptions.NoSuchThing


@pytest.mark.parametrize("operation", sorted(PARAMETERS))
def test_parameters_are_those_of_the_model(boto: object, operation: str) -> None:
    """None that boto3 would not take, and none missing that it would want."""
    model = boto.meta.service_model.operation_model(operation).input_shape  # type: ignore[attr-defined]
    required, optional = PARAMETERS[operation]
    assert required | optional <= set(model.members)
    assert set(model.required_members) <= required


def test_replies_fit_the_model(boto: object, client: Client, sqs: Sqs) -> None:
    """boto3 itself would take them."""
    queue = fifo_queue(sqs)
    with Stubber(boto) as stub:
        request = {"QueueUrl": queue.url, "MessageBody": "a", "MessageGroupId": "g", "MessageAttributes": ATTRIBUTES}
        stub.add_response("send_message", client.send_message(**request))
        boto.send_message(**request)  # type: ignore[attr-defined]
        request = {"QueueUrl": queue.url, "AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
        stub.add_response("receive_message", client.receive_message(**request))
        (message,) = boto.receive_message(**request)["Messages"]  # type: ignore[attr-defined]
    assert message["MD5OfMessageAttributes"] == "4c360f3fdafd970e05fae2f149d997f5"


@pytest.mark.parametrize(
    ("wanted", "shown", "digest"),
    [
        ([], set(), None),
        (["All"], {"General", "Hello", "Help.Me"}, "4c360f3fdafd970e05fae2f149d997f5"),
        ([".*"], {"General", "Hello", "Help.Me"}, "4c360f3fdafd970e05fae2f149d997f5"),
        (["Foo", "Help"], set(), None),
        (["Hello", "General"], {"General", "Hello"}, "fca026605781cb4126a1e9044df24232"),
        (["Foo", "Hello"], {"Hello"}, "a311262e065454b75da111d535b8dacd"),
        (["Hel.*"], {"Hello", "Help.Me"}, "83fee93c1bcd8b9a5a923ffacdc636c7"),
    ],
)
def test_message_attributes_are_given_as_asked(
    client: Client, sqs: Sqs, wanted: list[str], shown: set[str], digest: str | None
) -> None:
    """With AWS's digests: recorded by LocalStack, test_receive_message_message_attribute_names_filters."""
    in_order(sqs)
    client.send_message(QueueUrl="jobs", MessageBody="msg", MessageAttributes=ATTRIBUTES)
    (message,) = client.receive_message(QueueUrl="jobs", MessageAttributeNames=wanted)["Messages"]
    assert set(message.get("MessageAttributes", {})) == shown
    assert message.get("MD5OfMessageAttributes") == digest


def test_binary_attributes(client: Client, sqs: Sqs) -> None:
    """With AWS's digest: recorded by LocalStack, test_send_message_with_binary_attributes."""
    in_order(sqs)
    value = b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01"
    attributes = {"attr1": {"DataType": "Binary", "BinaryValue": value}}
    reply = client.send_message(QueueUrl="jobs", MessageBody="test", MessageAttributes=attributes)
    assert reply["MD5OfMessageAttributes"] == "8cbe4db156db8a94db8b801b7addb984"
    (message,) = client.receive_message(QueueUrl="jobs", MessageAttributeNames=["All"])["Messages"]
    assert message["MessageAttributes"] == attributes


def test_system_attributes_are_given_as_asked(client: Client, scheduler: Scheduler, sqs: Sqs) -> None:
    """Under either name of the parameter; times are in milliseconds."""
    queue = fifo_queue(sqs, VisibilityTimeout="0")
    client.send_message(QueueUrl=queue.url, MessageBody="a", MessageGroupId="g", MessageDeduplicationId="1")
    sent = str(round(scheduler.now * 1_000))
    scheduler.sleep(1.25)
    for parameter in ("AttributeNames", "MessageSystemAttributeNames"):
        (message,) = client.receive_message(QueueUrl=queue.url, **{parameter: ["All"]})["Messages"]
        count = message["Attributes"].pop("ApproximateReceiveCount")
        assert message["Attributes"] == {
            "ApproximateFirstReceiveTimestamp": str(int(sent) + 1_250),
            "MessageDeduplicationId": "1",
            "MessageGroupId": "g",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "SentTimestamp": sent,
            "SequenceNumber": "10000000000000000000",
        }
    assert count == "2"
    (message,) = client.receive_message(QueueUrl=queue.url, AttributeNames=["SenderId", "Nothing"])["Messages"]
    assert list(message["Attributes"]) == ["SenderId"]
    (message,) = client.receive_message(QueueUrl=queue.url)["Messages"]
    assert "Attributes" not in message


def test_a_receive_can_wait(client: Client, scheduler: Scheduler, sqs: Sqs) -> None:
    """Until a message comes or is visible again, or the time is over: the request's, or the queue's."""
    queue = in_order(sqs, ReceiveMessageWaitTimeSeconds="10", VisibilityTimeout="5")
    found: list[tuple[int, int]] = []
    begun = scheduler.now

    def consume() -> None:
        for wait in ({}, {"WaitTimeSeconds": 20}, {}, {"WaitTimeSeconds": 0}):
            messages = client.receive_message(QueueUrl=queue.url, **wait).get("Messages", [])
            found.append((round(scheduler.now - begun), len(messages)))

    scheduler.spawn(consume)
    scheduler.after(13, lambda: queue.send("a"))
    scheduler.run()
    assert found == [(10, 0), (13, 1), (18, 1), (18, 0)]


def test_errors_have_boto3s_class_and_both_codes(client: Client) -> None:
    """Recorded on AWS by LocalStack, test_non_existent_queue."""
    with pytest.raises(Client.exceptions.QueueDoesNotExist) as raised:
        client.get_queue_url(QueueName="nowhere")
    assert raised.value.response == {  # type: ignore[attr-defined]
        "Error": {
            "Code": "AWS.SimpleQueueService.NonExistentQueue",
            "Message": "The specified queue does not exist.",
            "QueryErrorCode": "QueueDoesNotExist",
            "Type": "Sender",
        },
        "ResponseMetadata": {"HTTPHeaders": {}, "HTTPStatusCode": 400, "RetryAttempts": 0},
    }
    assert raised.value.operation_name == "GetQueueUrl"  # type: ignore[attr-defined]


def test_what_was_sent_can_be_changed_afterwards(client: Client, sqs: Sqs) -> None:
    """The queue has its own."""
    queue = in_order(sqs)
    attributes = {"type": {"DataType": "String", "StringValue": "order"}}
    client.send_message(QueueUrl=queue.url, MessageBody="a", MessageAttributes=attributes)
    attributes["type"]["StringValue"] = "changed"
    assert queue.messages()[0].attributes["type"]["StringValue"] == "order"
