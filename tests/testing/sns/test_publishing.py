"""What a topic accepts, what it refuses, and what it drops as a repeat.

The refusals were recorded from AWS by LocalStack's project:
https://github.com/localstack/localstack/blob/main/tests/aws/services/sns/test_sns.snapshot.json
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from testing.scheduler import Scheduler
from testing.sns import Client, NotImplementedHere, Refused, Sns, Topic
from tests.testing.sns.queue import FakeQueue

Queues = Callable[[str], FakeQueue]

FIFO = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"Message": ""}, "Invalid parameter: Empty message"),
        ({"Message": "m", "Subject": ""}, "Invalid parameter: Subject"),
        ({"Message": "m", "Subject": "x" * 101}, "Invalid parameter: Subject"),
        ({"Message": "m", "Subject": "two\nlines"}, "Invalid parameter: Subject"),
        ({"Message": "x" * 262_145}, "Invalid parameter: Message too long"),
        ({"Message": "é" * 131_073}, "Invalid parameter: Message too long"),
        (
            {"Message": "x" * 262_137, "MessageAttributes": {"a": text("b")}},
            "Invalid parameter: Message too long",
        ),
        (
            {"MessageGroupId": None, "Message": "m"},
            "Invalid parameter: The MessageGroupId parameter is required for FIFO topics",
        ),
        (
            {"MessageDeduplicationId": None, "Message": "m"},
            "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or "
            "MessageDeduplicationId provided explicitly",
        ),
    ],
)
def test_a_message_that_makes_no_sense_is_refused(
    sns: Sns, topic: Topic, request_: dict[str, Any], message: str
) -> None:
    """With AWS's words; sizes are bytes, attributes included."""
    given = {name: value for name, value in {**FIFO, **request_}.items() if value is not None}
    with pytest.raises(Refused) as refused:
        sns.execute("Publish", {"TopicArn": topic.arn, **given})
    assert (refused.value.code, refused.value.message) == ("InvalidParameter", message)


def test_the_largest_message_is_accepted(topic: Topic) -> None:
    """256 KiB: the body, and of each attribute its name, its type and its value."""
    assert topic.publish("x" * 262_136, attributes={"a": text("b")}, group="g", deduplication_id="d").message_id


TOO_LONG = "Length of message attribute name must be less than 256 bytes."


@pytest.mark.parametrize(
    ("name", "value", "code", "message"),
    [
        ("a", {"StringValue": "v"}, "ValidationError", "Member must not be null"),
        (
            "a",
            text(""),
            "ParameterValueInvalid",
            "must contain non-empty message attribute value for message attribute",
        ),
        ("a", {"DataType": "String"}, "ParameterValueInvalid", "must contain non-empty message attribute value"),
        ("a", {"DataType": "Binary", "BinaryValue": b""}, "ParameterValueInvalid", "attribute type 'Binary'."),
        ("a", {"DataType": "String", "BinaryValue": b"v"}, "ParameterValueInvalid", "must use field 'String'."),
        ("a", {"DataType": "Binary", "StringValue": "v"}, "ParameterValueInvalid", "must use field 'Binary'."),
        (
            "a",
            {"DataType": "Stringprefixed", "StringValue": "v"},
            "ParameterValueInvalid",
            "supported type prefixes is",
        ),
        ("a" * 257, text("v"), "ParameterValueInvalid", TOO_LONG),
        ("a^", text("v"), "ParameterValueInvalid", "'#x5E' was found in the message attribute name."),
        (".a", text("v"), "ParameterValueInvalid", "name starting with character '.' was found."),
        ("a.", text("v"), "ParameterValueInvalid", "name ending with character '.' was found."),
        ("a..b", text("v"), "ParameterValueInvalid", "name can not have successive '.' character."),
    ],
)
def test_an_attribute_that_makes_no_sense_is_refused(
    topic: Topic, name: str, value: dict[str, Any], code: str, message: str
) -> None:
    """With AWS's words."""
    with pytest.raises(Refused) as refused:
        topic.publish("m", attributes={name: value}, group="g", deduplication_id="d")
    assert refused.value.code == code
    assert message in refused.value.message


def test_attributes_of_all_types_are_accepted(topic: Topic) -> None:
    """Types may have a label."""
    attributes: dict[str, dict[str, Any]] = {
        "s": text("v"),
        "labelled": {"DataType": "String.json", "StringValue": "{}"},
        "n": {"DataType": "Number", "StringValue": "-99.12"},
        "b": {"DataType": "Binary", "BinaryValue": b"\x02\x03\x04"},
    }
    assert topic.publish("m", attributes=attributes, group="g", deduplication_id="d").message_id


def test_a_standard_topic_takes_no_deduplication_id(standard: Topic) -> None:
    """But a group, for fair queues."""
    assert standard.publish("m", group="g").sequence_number is None
    with pytest.raises(Refused, match="not valid for this topic type"):
        standard.publish("m", deduplication_id="d")


@pytest.mark.parametrize("token", ["two words", "ümlaut", "x" * 129])
def test_groups_and_deduplication_ids_are_ascii(topic: Topic, token: str) -> None:
    """At most 128 letters, digits and punctuation characters."""
    with pytest.raises(Refused, match="MessageGroupId"):
        topic.publish("m", group=token, deduplication_id="d")
    with pytest.raises(Refused, match="MessageDeduplicationId"):
        topic.publish("m", group="g", deduplication_id=token)


def test_a_repeat_within_five_minutes_is_accepted_and_dropped(
    scheduler: Scheduler, topic: Topic, queue: Queues
) -> None:
    """Its answer is the first one's; the window begins with the first."""
    taker = queue("q")  # a standard queue, which drops nothing itself
    topic.subscribe(taker, name="q")
    first = topic.publish("one", group="g", deduplication_id="d")
    scheduler.sleep(200)
    assert topic.publish("another", group="g", deduplication_id="d") == first
    scheduler.sleep(99.9)
    assert topic.publish("another", group="g", deduplication_id="d") == first
    scheduler.sleep(0.1)
    assert topic.publish("late", group="g", deduplication_id="d") != first
    scheduler.run()
    assert taker.bodies == ["one", "late"]
    assert (topic.totals.published, topic.totals.deduplicated) == (2, 2)


def test_the_window_is_that_of_the_group_or_of_the_topic(sns: Sns) -> None:
    """As FifoThroughputScope says; a topic's by default."""
    per_group = sns.create_topic("per-group.fifo", {"FifoThroughputScope": "MessageGroup"})
    per_topic = sns.create_topic("per-topic.fifo")
    for topic, published in ((per_group, 2), (per_topic, 1)):
        topic.publish("m", group="g", deduplication_id="d")
        topic.publish("m", group="h", deduplication_id="d")
        assert topic.totals.published == published


def test_content_is_its_own_deduplication_id_where_the_topic_says_so(
    sns: Sns, scheduler: Scheduler, queue: Queues
) -> None:
    """Attributes do not count, and an explicit id comes first."""
    topic = sns.create_topic("content.fifo", {"ContentBasedDeduplication": "true"})
    taker = queue("q.fifo")
    topic.subscribe(taker, name="q")
    first = topic.publish("m", group="g")
    assert topic.publish("m", attributes={"a": text("v")}, group="g") == first
    assert topic.publish("m", group="g", deduplication_id=sha256(b"m").hexdigest()) == first
    assert topic.publish("m", group="g", deduplication_id="mine") != first
    scheduler.run()
    assert [each.deduplication_id for each in taker.got] == [sha256(b"m").hexdigest(), "mine"]


def test_sequence_numbers_rise(topic: Topic) -> None:
    """They have twenty digits."""
    numbers = [topic.publish("m", group="g", deduplication_id=str(n)).sequence_number for n in range(3)]
    assert numbers == sorted(set(numbers), key=str)
    assert all(number is not None and len(number) == 20 for number in numbers)


def test_a_topic_that_is_not_there(sns: Sns) -> None:
    """NotFound, or a word about the ARN."""
    client = Client(sns)
    with pytest.raises(client.exceptions.NotFoundException, match="Topic does not exist"):
        client.publish(TopicArn="arn:aws:sns:us-east-1:000000000000:none", Message="m")
    with pytest.raises(client.exceptions.InvalidParameterException, match="must have at least 6 elements, not 1"):
        client.publish(TopicArn="none", Message="m")


def test_what_this_sns_does_not_have_is_said(sns: Sns, standard: Topic) -> None:
    """Rather than ignored."""
    with pytest.raises(NotImplementedHere, match="MessageStructure"):
        sns.execute("Publish", {"TopicArn": standard.arn, "Message": "{}", "MessageStructure": "json"})
    with pytest.raises(NotImplementedHere, match="operation Subscribe"):
        sns.execute("Subscribe", {})
    with pytest.raises(NotImplementedHere, match="MaximumMessageSize"):
        sns.create_topic("large", {"MaximumMessageSize": "1048576"})


def test_topics_are_made_once(sns: Sns) -> None:
    """A second topic of a name is the first one; a name or an attribute may be wrong."""
    assert sns.create_topic("orders") is sns.create_topic("orders")
    with pytest.raises(Refused, match="Topic Name"):
        sns.create_topic("or ders")
    with pytest.raises(Refused, match="only a FIFO topic"):
        sns.create_topic("archived", {"ArchivePolicy": '{"MessageRetentionPeriod":"1"}'})


def test_reading_what_there_is(sns: Sns, topic: Topic, queue: Queues) -> None:
    """Attributes of topics and subscriptions, as the API has them."""
    client = Client(sns)
    inventory, dead_letters = queue("inventory.fifo"), queue("dead.fifo")
    made = topic.subscribe(
        inventory, name="inventory", filter_policy={"type": ["order.placed"]}, dead_letter_queue=dead_letters
    )
    assert client.get_topic_attributes(TopicArn=topic.arn)["Attributes"] == {
        "TopicArn": topic.arn,
        "Owner": "000000000000",
        "SubscriptionsConfirmed": "1",
        "FifoTopic": "true",
        "ContentBasedDeduplication": "false",
        "FifoThroughputScope": "MessageGroup",
    }
    (listed,) = client.list_subscriptions_by_topic(TopicArn=topic.arn)["Subscriptions"]
    assert (listed["SubscriptionArn"], listed["Endpoint"], listed["Protocol"]) == (made.arn, inventory.arn, "sqs")
    attributes = client.get_subscription_attributes(SubscriptionArn=made.arn)["Attributes"]
    assert attributes["RawMessageDelivery"] == "true"
    assert attributes["FilterPolicy"] == '{"type": ["order.placed"]}'
    assert attributes["RedrivePolicy"] == f'{{"deadLetterTargetArn": "{dead_letters.arn}"}}'
    topic.unsubscribe(made)
    with pytest.raises(client.exceptions.NotFoundException, match="Subscription does not exist"):
        client.get_subscription_attributes(SubscriptionArn=made.arn)
