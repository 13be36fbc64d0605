"""Random publications to this SNS and to moto, where moto is faithful: the same answers, and the same in every queue.

Left out, because moto is known to be wrong there, or to have nothing:
- FIFO deduplication: its topics drop no repeat, so no deduplication id is used twice
- sequence numbers: it gives none
- subscriptions' dead-letter queues: it never uses them
- a FIFO topic's standard queues: it hands them the group
- `numeric`, `cidr` and `$or`: nor does `messaging.filters` have them
- a string or `equals-ignore-case` before `exists: false` in a list: it stops at a missing attribute
- `equals-ignore-case` with a capital letter: it lowers the attribute's value only
- an invalid attribute: to it that is an InvalidParameter, to AWS a ParameterValueInvalid (see test_publishing)
- Publish without a group: to it that is a MissingParameter; it is compared in PublishBatch
- one invalid entry in a batch: it reports the entry or forgets it, AWS refuses the batch (recorded)
- the size of attributes, of a batch, and of text outside ASCII; empty batches; the form of an entry's id; subjects
- an empty message: it takes it
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.utils import camelcase_to_underscores
from moto.sqs import models as sqs_models
from moto.sqs.models import sqs_backends

from testing.scheduler import Scheduler
from testing.sns import Client, Sns
from tests.testing.sns.queue import FakeQueue

OPERATIONS = 1100
POLICIES: dict[str, Any] = {
    "everything": {},
    "exact": {"type": ["a", "b"]},
    "both": {"type": ["a", "abc"], "priority": ["high"]},
    "but": {"priority": [{"anything-but": ["low", "high"]}]},
    "but-prefix": {"type": [{"anything-but": {"prefix": "ab"}}]},
    "prefix": {"type": [{"prefix": "ab"}, "c"]},
    "suffix": {"type": [{"suffix": "c"}]},
    "present": {"type": [{"exists": True}]},
    "absent": {"priority": [{"exists": False}, "high"], "type": ["a", {"prefix": "b"}]},
    "case": {"type": [{"equals-ignore-case": "abc"}]},
}
REGION = "us-east-1"
# What each says of itself, and signatures.
OWN = ("MessageId", "Timestamp", "Signature", "SignatureVersion", "SigningCertURL", "UnsubscribeURL", "TopicArn")


class Pair:
    """Two topics of each kind and their queues, ours and moto's."""

    def __init__(self, real: Any, sqs: Any) -> None:
        self.real, self.scheduler = real, Scheduler(seed=3)
        sns = Sns(self.scheduler)
        self.ours = Client(sns)
        self.arns: dict[str, tuple[str, str]] = {}
        self.queues: dict[str, FakeQueue] = {}
        for topic_name, end in (("fifo.fifo", ".fifo"), ("standard", "")):
            fifo = {"FifoTopic": "true"} if end else {}
            topic = sns.create_topic(topic_name)
            real_arn = real.create_topic(Name=topic_name, Attributes=fifo)["TopicArn"]
            self.arns[topic_name] = (topic.arn, real_arn)
            for name, policy in POLICIES.items():
                queue = self.queues[name + end] = FakeQueue(name + end, self.scheduler)
                # In one envelope only: moto makes a key for every such subscription, and signs.
                raw = name != "suffix" or topic.fifo
                topic.subscribe(queue, name=name, filter_policy=policy, raw=raw)
                sqs.create_queue(QueueName=name + end, Attributes={"FifoQueue": "true"} if end else {})
                real.subscribe(
                    TopicArn=real_arn,
                    Protocol="sqs",
                    Endpoint=f"arn:aws:sqs:{REGION}:123456789012:{name}{end}",
                    Attributes={
                        **({"RawMessageDelivery": "true"} if raw else {}),
                        **({"FilterPolicy": json.dumps(policy)} if policy else {}),
                    },
                )

    def call(self, operation: str, topic: str, request: dict[str, Any]) -> tuple[Any, Any]:
        """Both answers."""
        ours, theirs = self.arns.get(topic, (topic, topic))
        answers = (
            outcome(self.ours, operation, {"TopicArn": ours, **request}),
            outcome(self.real, operation, {"TopicArn": theirs, **request}),
        )
        self.scheduler.run()
        return answers

    def arrived(self) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
        """What has come to the queues since the last time."""
        ours: dict[str, list[Any]] = {}
        theirs: dict[str, list[Any]] = {}
        real_queues = sqs_backends["123456789012"][REGION].queues
        for name, queue in self.queues.items():
            fifo = queue.fifo
            ours[name] = [(body(got.body), shown(got.attributes), got.group, got.deduplication_id) for got in queue.got]
            theirs[name] = [
                # To moto, the group of a message without one is its default.
                (body(got.body), got.message_attributes, got.group_id, got.deduplication_id if fifo else None)
                for got in real_queues[name]._messages
            ]
            for each in (ours[name], theirs[name]):
                each.sort(key=lambda got: got[2] or "")  # SNS promises no order between groups
            queue.got.clear()
            real_queues[name]._messages.clear()
        return ours, theirs


def shown(attributes: dict[str, Any]) -> dict[str, Any]:
    """With binaries as moto's queues keep them until they are received: in base64."""
    return {
        name: {
            field: base64.b64encode(content).decode() if isinstance(content, bytes) else content
            for field, content in value.items()
        }
        for name, value in attributes.items()
    }


def body(text: str) -> Any:
    """An envelope without what is each one's own, or the text."""
    if not text.startswith("{"):
        return text
    return {name: value for name, value in json.loads(text).items() if name not in (*OWN, "SequenceNumber")}


def outcome(client: Any, operation: str, request: dict[str, Any]) -> Any:
    """An answer without ids, or the code of an error."""
    try:
        reply = getattr(client, operation)(**request)
    except ClientError as error:
        return error.response["Error"]["Code"]
    if operation == "publish":
        return len(reply["MessageId"])
    assert all(len(each["MessageId"]) == 36 for each in reply["Successful"])
    return [each["Id"] for each in reply["Successful"]], reply["Failed"]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        # moto spends most of its time on spelling the same attributes' names
        patch.setattr(sqs_models, "camelcase_to_underscores", cache(camelcase_to_underscores))
        yield Pair(boto3.client("sns", region_name=REGION), boto3.client("sqs", region_name=REGION))


class Producer:
    """Random requests, some of which make no sense."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self._messages = 0

    def message(self, *, fifo: bool) -> dict[str, Any]:
        self._messages += 1
        message: dict[str, Any] = {"Message": f"message {self._messages}"}
        if fifo:
            message["MessageGroupId"] = self.random.choice("gh")
            message["MessageDeduplicationId"] = f"d{self._messages}"
        if self.random.random() < 0.9:
            message["MessageAttributes"] = self.attributes()
        if self.random.random() < 0.2:
            message["Subject"] = "a subject"
        return message

    def attributes(self) -> dict[str, Any]:
        choose = self.random.choice
        values = {
            "type": {"DataType": "String", "StringValue": choose(["a", "ab", "abc", "ABC", "b", "bc", "c"])},
            "priority": {"DataType": "String", "StringValue": choose(["high", "low", "none"])},
            "n": {"DataType": "Number", "StringValue": choose(["1", "-2.5"])},
            "b": {"DataType": "Binary", "BinaryValue": choose([b"\x00", b"\xff\x01"])},
        }
        return {name: value for name, value in values.items() if self.random.random() < 0.7}

    def call(self) -> tuple[str, str, dict[str, Any]]:
        topic = self.random.choice(["fifo.fifo", "standard"])
        fifo = topic == "fifo.fifo"
        if self.random.random() < 0.02:
            topic = f"arn:aws:sns:{REGION}:123456789012:none"
        if self.random.random() < 0.8:
            return "publish", topic, self.spoil(self.message(fifo=fifo), fifo=fifo)
        entries = [{"Id": str(n), **self.message(fifo=fifo)} for n in range(self.random.randint(1, 5))]
        return "publish_batch", topic, {"PublishBatchRequestEntries": self.spoil_batch(entries, fifo=fifo)}

    def spoil(self, message: dict[str, Any], *, fifo: bool) -> dict[str, Any]:
        kind = self.random.randrange(30)
        if kind == 0:
            message["Message"] = "x" * (256 * 1024 + 1)
        if kind == 1 and fifo:
            del message["MessageDeduplicationId"]
        if kind == 2 and not fifo:
            message["MessageDeduplicationId"] = "d"
        return message

    def spoil_batch(self, entries: list[dict[str, Any]], *, fifo: bool) -> list[dict[str, Any]]:
        kind = self.random.randrange(12)
        if kind == 0:
            return [{**entry, "Id": str(n)} for n, entry in enumerate(entries * 11)]
        if kind == 1:
            return [*entries, entries[0]]
        if kind == 2 and fifo:
            del entries[-1]["MessageGroupId"]
        return entries


def test_random_publications_have_the_same_outcome(pair: Pair) -> None:
    """Answers and errors are the same, and so are bodies, attributes, groups and each group's order, in all queues."""
    producer = Producer(seed=11)
    seen: dict[str, int] = {}
    arrived = 0
    for number in range(OPERATIONS):
        operation, topic, request = producer.call()
        ours, theirs = pair.call(operation, topic, request)
        assert ours == theirs, (operation, topic, request)
        kind = ours if isinstance(ours, str) else operation
        seen[kind] = seen.get(kind, 0) + 1
        if number % 20 == 19:
            found, expected = pair.arrived()
            assert found == expected
            arrived += sum(map(len, found.values()))
    assert set(seen) == {
        "publish",
        "publish_batch",
        "NotFound",
        "InvalidParameter",
        "TooManyEntriesInBatchRequest",
        "BatchEntryIdsNotDistinct",
    }
    assert arrived > 3000
