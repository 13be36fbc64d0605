"""What SQS does not take is refused, with its codes and words."""

from __future__ import annotations

from typing import Any

import pytest

from testing.sqs import Client, Queue, Refused, Sqs
from tests.testing.sqs.observing import code_and_message, fifo_queue, refusal

STRING = {"DataType": "String", "StringValue": "x"}
MEBIBYTE = 1_048_576


@pytest.fixture
def queue(sqs: Sqs) -> Queue:
    return sqs.create_queue("jobs")


@pytest.fixture
def fifo(sqs: Sqs) -> Queue:
    return sqs.create_queue("orders.fifo")


def test_a_message_has_at_most_a_mebibyte(client: Client, queue: Queue) -> None:
    """In UTF-8, with the names, types and values of its attributes."""
    queue.send("x" * MEBIBYTE)
    for body, attributes in (
        ("x" * (MEBIBYTE + 1), {}),
        ("é" * (MEBIBYTE // 2) + "x", {}),
        ("x" * (MEBIBYTE - 10), {"type": STRING}),
        ("x" * (MEBIBYTE - 10), {"type": {"DataType": "Binary", "BinaryValue": b"x"}}),
    ):
        with pytest.raises(Refused, match="Message must be shorter than 1048576 bytes"):
            queue.send(body, attributes=attributes)
    queue.send("x" * (MEBIBYTE - 11), attributes={"type": STRING})
    assert code_and_message(client.send_message, QueueUrl=queue.url, MessageBody="x" * (MEBIBYTE + 1)) == (
        "InvalidParameterValue",
        "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.",
    )


def test_a_queue_can_have_less(client: Client, sqs: Sqs) -> None:
    """In a batch, the entry is refused alone, in other words."""
    queue = sqs.create_queue("small", {"MaximumMessageSize": "1024"})
    queue.send("x" * 1_024)
    with pytest.raises(Refused, match="shorter than 1024 bytes"):
        queue.send("x" * 1_025)
    reply = client.send_message_batch(
        QueueUrl=queue.url, Entries=[{"Id": "1", "MessageBody": "x" * 1_025}, {"Id": "2", "MessageBody": "x"}]
    )
    assert reply["Failed"] == [
        {
            "Id": "1",
            "SenderFault": True,
            "Code": "InvalidParameterValue",
            "Message": "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes.",
        }
    ]
    assert [sent["Id"] for sent in reply["Successful"]] == ["2"]


def test_a_batch_has_at_most_a_mebibyte(client: Client, queue: Queue) -> None:
    """Altogether; it is refused as a whole."""
    entries = [{"Id": str(number), "MessageBody": "x" * (MEBIBYTE // 2)} for number in range(2)]
    client.send_message_batch(QueueUrl=queue.url, Entries=entries)
    entries[0]["MessageBody"] += "x"
    assert code_and_message(client.send_message_batch, QueueUrl=queue.url, Entries=entries) == (
        "AWS.SimpleQueueService.BatchRequestTooLong",
        "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
    )
    assert queue.counts.sent == 2


def test_a_message_has_a_body_of_xmls_characters(client: Client, queue: Queue) -> None:
    """Also in a batch, where the others go."""
    assert code_and_message(client.send_message, QueueUrl=queue.url, MessageBody="") == (
        "MissingParameter",
        "The request must contain the parameter MessageBody.",
    )
    assert code_and_message(client.send_message, QueueUrl=queue.url, MessageBody="a\x01")[0] == "InvalidMessageContents"
    client.send_message(QueueUrl=queue.url, MessageBody="\t\r\n é 😀")
    reply = client.send_message_batch(
        QueueUrl=queue.url, Entries=[{"Id": "1", "MessageBody": "\x00"}, {"Id": "2", "MessageBody": "x"}]
    )
    assert [(entry["Id"], entry["Code"]) for entry in reply["Failed"]] == [("1", "InvalidMessageContents")]


def test_a_message_has_at_most_ten_attributes(queue: Queue) -> None:
    """As many as raw delivery hands on."""
    ten = {f"a{number}": STRING for number in range(10)}
    queue.send("x", attributes=ten)
    with pytest.raises(Refused, match=r"\[11\] exceeds the allowed maximum \[10\]"):
        queue.send("x", attributes={**ten, "more": STRING})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("AWS.type", STRING, "reserved for internal use"),
        ("amazon.type", STRING, "reserved for internal use"),
        ("no space", STRING, "is invalid"),
        (".type", STRING, "is invalid"),
        ("a..b", STRING, "is invalid"),
        ("x" * 257, STRING, "must be shorter than 256 bytes"),
        ("type", {"DataType": "Text", "StringValue": "x"}, "Binary, Number, String"),
        ("type", {"DataType": "String", "StringValue": ""}, "must contain a non-empty value of type 'String'"),
        ("type", {"DataType": "Binary"}, "must contain a non-empty value of type 'Binary'"),
        ("type", {"DataType": "Number.int", "StringValue": "x"}, "to a number"),
    ],
)
def test_an_attribute_must_be_well_formed(
    client: Client, queue: Queue, name: str, value: dict[str, Any], words: str
) -> None:
    """Its name, its type and its value."""
    code, message = code_and_message(
        client.send_message, QueueUrl=queue.url, MessageBody="x", MessageAttributes={name: value}
    )
    assert code == "InvalidParameterValue"
    assert words in message


def test_a_delay_is_at_most_15_minutes(queue: Queue) -> None:
    """And at least none."""
    queue.send("x", delay_seconds=900)
    for delay in (-1, 901):
        with pytest.raises(Refused, match="DelaySeconds must be >= 0 and <= 900"):
            queue.send("x", delay_seconds=delay)


def test_a_fifo_message_has_no_delay_of_its_own(client: Client, fifo: Queue) -> None:
    """Zero is allowed, and means the queue's: recorded on AWS by LocalStack,
    test_fifo_queue_send_message_with_zero_delay_defaults_to_queue_delay."""
    client.set_queue_attributes(QueueUrl=fifo.url, Attributes={"DelaySeconds": "2"})
    fifo.send("x", group="g", deduplication_id="1", delay_seconds=0)
    assert fifo.counts.delayed == 1
    request = {"QueueUrl": fifo.url, "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "2"}
    assert code_and_message(client.send_message, **request, DelaySeconds=2)[1] == (
        "Value 2 for parameter DelaySeconds is invalid. "
        "Reason: The request include parameter that is not valid for this queue type."
    )


def test_a_changed_fifo_delay_holds_for_what_is_delayed(client: Client, fifo: Queue) -> None:
    """But on a standard queue only for what comes.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html
    """
    client.set_queue_attributes(QueueUrl=fifo.url, Attributes={"DelaySeconds": "100"})
    fifo.send("x", group="g", deduplication_id="1")
    begun = fifo.messages()[0].sent_at
    client.set_queue_attributes(QueueUrl=fifo.url, Attributes={"DelaySeconds": "10"})
    assert fifo.ready_at() == begun + 10
    client.set_queue_attributes(QueueUrl=fifo.url, Attributes={"DelaySeconds": "0"})
    assert fifo.ready_at() == begun


@pytest.mark.parametrize("parameter", ["MessageGroupId", "MessageDeduplicationId"])
@pytest.mark.parametrize("value", ["", "with space", "x" * 129])
def test_ids_have_a_form(client: Client, fifo: Queue, parameter: str, value: str) -> None:
    """The words are AWS's."""
    request = {"MessageGroupId": "g", "MessageDeduplicationId": "1", parameter: value}
    assert code_and_message(client.send_message, QueueUrl=fifo.url, MessageBody="x", **request) == (
        "InvalidParameterValue",
        f"Value {value} for parameter {parameter} is invalid. Reason: {parameter} can only include alphanumeric and "
        "punctuation characters. 1 to 128 in length.",
    )
    client.send_message(
        QueueUrl=fifo.url,
        MessageBody="x",
        MessageGroupId="a[\\]^_`{|}~",
        MessageDeduplicationId="!\"#$%&'()*+,-./:;<=>?@",
    )


def test_what_a_fifo_message_lacks_refuses_it_and_its_batch(client: Client, fifo: Queue) -> None:
    """With different codes: recorded on AWS by LocalStack, test_posting_to_fifo_requires_deduplicationid_group_id and
    test_send_batch_missing_message_group_id_for_fifo_queue."""
    request = {"QueueUrl": fifo.url, "MessageBody": "x", "MessageDeduplicationId": "1"}
    words = "The request must contain the parameter MessageGroupId."
    assert code_and_message(client.send_message, **request) == ("MissingParameter", words)
    entries = [
        {"Id": "1", "MessageBody": "x", "MessageDeduplicationId": "1", "MessageGroupId": "g"},
        {"Id": "2", "MessageBody": "x", "MessageDeduplicationId": "2"},
    ]
    assert code_and_message(client.send_message_batch, QueueUrl=fifo.url, Entries=entries) == (
        "InvalidParameterValue",
        words,
    )
    del entries[0]["MessageDeduplicationId"]
    assert (
        "ContentBasedDeduplication"
        in code_and_message(client.send_message_batch, QueueUrl=fifo.url, Entries=entries)[1]
    )
    assert fifo.messages() == []


@pytest.mark.parametrize(
    ("operation", "kind", "entry"),
    [
        ("send_message_batch", "SendMessageBatchRequestEntry", {"MessageBody": "x"}),
        ("delete_message_batch", "DeleteMessageBatchRequestEntry", {"ReceiptHandle": "x"}),
        (
            "change_message_visibility_batch",
            "ChangeMessageVisibilityBatchRequestEntry",
            {"ReceiptHandle": "x", "VisibilityTimeout": 1},
        ),
    ],
)
def test_a_batch_has_one_to_ten_entries_with_ids(
    client: Client, queue: Queue, operation: str, kind: str, entry: dict[str, Any]
) -> None:
    """Distinct ones of letters, digits, hyphens and underscores."""

    def refused(*ids: str) -> tuple[str, str]:
        entries = [{"Id": each, **entry} for each in ids]
        code, message = code_and_message(getattr(client, operation), QueueUrl=queue.url, Entries=entries)
        return code.removeprefix("AWS.SimpleQueueService."), message

    assert refused() == ("EmptyBatchRequest", f"There should be at least one {kind} in the request.")
    assert refused(*map(str, range(11))) == (
        "TooManyEntriesInBatchRequest",
        "Maximum number of entries per request are 10. You have sent 11.",
    )
    assert refused("1", "2", "1") == ("BatchEntryIdsNotDistinct", "Id 1 repeated.")
    for wrong in ("", "a b", "x" * 81, "invalid:id"):
        assert refused(wrong) == (
            "InvalidBatchEntryId",
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
            "It can be at most 80 letters long.",
        )


@pytest.mark.parametrize(
    ("parameter", "values", "reason"),
    [
        ("MaxNumberOfMessages", (0, 11), "Must be between 1 and 10, if provided."),
        ("WaitTimeSeconds", (-1, 21), "Must be >= 0 and <= 20, if provided."),
        ("VisibilityTimeout", (-1, 43_201), "Must be >= 0 and <= 43200, if provided."),
    ],
)
def test_a_receive_has_bounds(
    client: Client, queue: Queue, parameter: str, values: tuple[int, ...], reason: str
) -> None:
    """The API's; `Queue.receive` takes as many as are asked for."""
    for value in values:
        _, message = code_and_message(client.receive_message, QueueUrl=queue.url, **{parameter: value})
        assert message == f"Value {value} for parameter {parameter} is invalid. Reason: {reason}"


def test_handles_are_checked(client: Client, sqs: Sqs, queue: Queue) -> None:
    """A handle that was never given, or by another queue, is refused."""
    for handle in ("garbage", _handle_of(sqs.create_queue("other"))):
        words = f'The input receipt handle "{handle}" is not a valid receipt handle.'
        assert refusal(client.delete_message, QueueUrl=queue.url, ReceiptHandle=handle)["Error"] == {
            "Code": "ReceiptHandleIsInvalid",
            "Message": words,
            "QueryErrorCode": "ReceiptHandleIsInvalid",
            "Type": "Sender",
        }
        request = {"QueueUrl": queue.url, "ReceiptHandle": handle, "VisibilityTimeout": 1}
        assert code_and_message(client.change_message_visibility, **request) == ("ReceiptHandleIsInvalid", words)


def test_what_a_handle_can_not_do_any_more(client: Client, sqs: Sqs, queue: Queue) -> None:
    """Recorded on AWS by LocalStack: test_fifo_delete_after_visibility_timeout and
    test_change_visibility_on_deleted_message_raises_invalid_parameter_value."""
    handle = _handle_of(queue)
    for _ in range(3):
        client.delete_message(QueueUrl=queue.url, ReceiptHandle=handle)
    gone_handle = handle
    gone = f"Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available "
    request = {"QueueUrl": queue.url, "ReceiptHandle": handle, "VisibilityTimeout": 1}
    assert code_and_message(client.change_message_visibility, **request) == (
        "InvalidParameterValue",
        f"{gone}for visibility timeout change.",
    )
    fifo = fifo_queue(sqs)
    handle = _handle_of(fifo)
    fifo.change_visibility(handle, 0)
    assert code_and_message(client.delete_message, QueueUrl=fifo.url, ReceiptHandle=handle) == (
        "InvalidParameterValue",
        f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
    )
    request = {"QueueUrl": fifo.url, "ReceiptHandle": handle, "VisibilityTimeout": 1}
    assert code_and_message(client.change_message_visibility, **request) == (
        "InvalidParameterValue",
        f"{gone.replace(gone_handle, handle)}for visibility timeout change.",
    )


def test_visibility_has_bounds(client: Client, queue: Queue) -> None:
    """Of one change, and of all since the receive."""
    request = {"QueueUrl": queue.url, "ReceiptHandle": _handle_of(queue)}
    assert code_and_message(client.change_message_visibility, **request, VisibilityTimeout=43_201)[1] == (
        "Value 43201 for parameter VisibilityTimeout is invalid. "
        "Reason: VisibilityTimeout must be an integer between 0 and 43200."
    )
    queue.receive()
    client.change_message_visibility(**request, VisibilityTimeout=43_200)


def test_the_outcomes_of_a_batch_are_each_entrys(client: Client, queue: Queue) -> None:
    """What is done is done."""
    good = _handle_of(queue)
    for operation, more in (
        ("change_message_visibility_batch", {"VisibilityTimeout": 1}),
        ("delete_message_batch", {}),
    ):
        entries = [{"Id": "1", "ReceiptHandle": good, **more}, {"Id": "2", "ReceiptHandle": "garbage", **more}]
        reply = getattr(client, operation)(QueueUrl=queue.url, Entries=entries)
        assert reply["Successful"] == [{"Id": "1"}]
        assert [(entry["Id"], entry["Code"]) for entry in reply["Failed"]] == [("2", "ReceiptHandleIsInvalid")]
    assert queue.messages() == []


def test_what_is_not_built_says_so(client: Client, queue: Queue) -> None:
    """A parameter that would be ignored is refused."""
    with pytest.raises(NotImplementedError, match="MessageSystemAttributes"):
        client.send_message(QueueUrl=queue.url, MessageBody="x", MessageSystemAttributes={})
    with pytest.raises(NotImplementedError, match="StringListValues"):
        client.send_message_batch(QueueUrl=queue.url, Entries=[{"Id": "1", "MessageBody": "x", "StringListValues": []}])
    with pytest.raises(TypeError, match="MessageBody"):
        client.send_message(QueueUrl=queue.url)


def _handle_of(queue: Queue) -> str:
    queue.send("x", group="g" if queue.fifo else None)
    (received,) = queue.receive()
    return received.receipt_handle
