"""The topics, and the operations of SNS's API on them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from testing.scheduler import Scheduler
from testing.sns.deduplication import Receipt
from testing.sns.delivery import Delivery, arrives
from testing.sns.errors import NotImplementedHere, Refused, invalid, no_subscription, no_topic
from testing.sns.publication import Publication
from testing.sns.subscription import Subscription
from testing.sns.topic import MAX_BYTES, Topic

Reply = dict[str, Any]
Request = Mapping[str, Any]
# Why SNS does not take a message that is valid, such as InternalError or KMSThrottling; None where it takes it.
Refuse = Callable[[Topic, Publication], Refused | None]

MAX_BATCH_ENTRIES = 10
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_OWNER = "000000000000"


class Sns:
    """SNS in memory.

    `deliver` decides what becomes of each delivery; without it all arrive after 20 ms. `refuse` decides which valid
    messages are not taken: Publish raises what it says, PublishBatch reports the entry among `Failed`.
    """

    def __init__(self, scheduler: Scheduler, *, deliver: Delivery | None = None, refuse: Refuse | None = None) -> None:
        self._scheduler = scheduler
        self._deliver = deliver or arrives
        self._refuse = refuse
        self._topics: dict[str, Topic] = {}
        self._operations: dict[str, Callable[[Request], Reply]] = {
            "Publish": self._publish,
            "PublishBatch": self._publish_batch,
            "GetTopicAttributes": self._get_topic_attributes,
            "GetSubscriptionAttributes": self._get_subscription_attributes,
            "ListSubscriptionsByTopic": self._list_subscriptions,
        }

    def create_topic(self, name: str, attributes: Mapping[str, str] | None = None) -> Topic:
        """Add a topic, or return the one of that name. A FIFO topic's name ends in `.fifo`. Raises Refused."""
        topic = Topic(name, attributes or {}, self._scheduler, self._deliver)
        return self._topics.setdefault(topic.arn, topic)

    def delete_topic(self, topic: Topic) -> None:
        """Remove a topic. Raises Refused for one with an archive.

        Source: https://docs.aws.amazon.com/sns/latest/dg/message-archiving-and-replay-topic-owner.html
        """
        if topic.attributes.get("ArchivePolicy"):
            raise Refused("InvalidState", "Cannot delete a topic with an ArchivePolicy")
        del self._topics[topic.arn]

    def topic(self, arn: str) -> Topic:
        """A topic by its ARN. Raises Refused where there is none."""
        parts = len(arn.split(":"))
        if parts < 6:
            raise invalid(f"TopicArn Reason: An ARN must have at least 6 elements, not {parts}")
        try:
            return self._topics[arn]
        except KeyError:
            raise no_topic() from None

    def execute(self, operation: str, request: Request) -> Reply:
        """Run an operation of SNS's API now. Raises Refused as SNS would."""
        if operation not in self._operations:
            raise NotImplementedHere(f"operation {operation}")
        return self._operations[operation](request)

    def _publish(self, request: Request) -> Reply:
        publication = Publication.of(request, "TopicArn", "TargetArn")
        topic = self.topic(request.get("TopicArn") or request.get("TargetArn") or "")
        checked = topic.check(publication)
        refused = self._refuse(topic, publication) if self._refuse is not None else None
        if refused is not None:
            raise refused
        return _receipt(topic.accept(checked))

    def _publish_batch(self, request: Request) -> Reply:
        """One entry that makes no sense refuses all of them (recorded, see `errors`); `Failed` is for other reasons.

        Source: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
        """
        topic = self.topic(request["TopicArn"])
        entries = request["PublishBatchRequestEntries"]
        _check_entries(entries)
        batch = [(entry["Id"], topic.check(Publication.of(entry, "Id"))) for entry in entries]
        if sum(checked.size_bytes for _, checked in batch) > MAX_BYTES:
            raise Refused("BatchRequestTooLong", "The length of all the messages put together is more than the limit.")
        successful: list[Reply] = []
        failed: list[Reply] = []
        for entry_id, checked in batch:
            refused = self._refuse(topic, checked.publication) if self._refuse is not None else None
            if refused is None:
                successful.append({"Id": entry_id, **_receipt(topic.accept(checked))})
            else:
                failed.append(_failure(entry_id, refused))
        return {"Successful": successful, "Failed": failed}

    def _get_topic_attributes(self, request: Request) -> Reply:
        """Source: https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html"""
        topic = self.topic(request["TopicArn"])
        confirmed = str(len(topic.subscriptions))
        attributes = {"TopicArn": topic.arn, "Owner": _OWNER, "SubscriptionsConfirmed": confirmed}
        if topic.fifo:
            attributes |= {"FifoTopic": "true", "ContentBasedDeduplication": "false"}
        return {"Attributes": attributes | topic.attributes}

    def _get_subscription_attributes(self, request: Request) -> Reply:
        """Source: https://docs.aws.amazon.com/sns/latest/api/API_GetSubscriptionAttributes.html"""
        arn = request["SubscriptionArn"]
        topic = self._topics.get(arn.rpartition(":")[0])
        found = [each for each in topic.subscriptions if each.arn == arn] if topic is not None else []
        if not found:
            raise no_subscription()
        return {"Attributes": _attributes(found[0])}

    def _list_subscriptions(self, request: Request) -> Reply:
        """All on one page. Source: https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html"""
        return {"Subscriptions": [_summary(each) for each in self.topic(request["TopicArn"]).subscriptions]}


def _check_entries(entries: Sequence[Request]) -> None:
    if not entries:
        raise Refused("EmptyBatchRequest", "The batch request doesn't contain any entries.")
    if len(entries) > MAX_BATCH_ENTRIES:
        raise Refused("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
    ids = [entry["Id"] for entry in entries]
    if not all(map(_ENTRY_ID.fullmatch, ids)):
        raise Refused("InvalidBatchEntryId", "The Id of a batch entry in a batch request doesn't abide by the rules.")
    if len(set(ids)) < len(ids):
        raise Refused("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")


def _receipt(receipt: Receipt) -> Reply:
    if receipt.sequence_number is None:
        return {"MessageId": receipt.message_id}
    return {"MessageId": receipt.message_id, "SequenceNumber": receipt.sequence_number}


def _failure(entry_id: str, refused: Refused) -> Reply:
    """Source: https://docs.aws.amazon.com/sns/latest/api/API_BatchResultErrorEntry.html"""
    fault = refused.code != "InternalError"
    return {"Id": entry_id, "Code": refused.code, "Message": refused.message, "SenderFault": fault}


def _summary(subscription: Subscription) -> Reply:
    return {
        "SubscriptionArn": subscription.arn,
        "Owner": _OWNER,
        "Protocol": "sqs",
        "Endpoint": subscription.queue.arn,
        "TopicArn": subscription.topic_arn,
    }


def _attributes(subscription: Subscription) -> Reply:
    attributes = _summary(subscription) | {"RawMessageDelivery": str(subscription.raw).lower()}
    if subscription.filter_policy:
        attributes["FilterPolicy"] = json.dumps(subscription.filter_policy)
        attributes["FilterPolicyScope"] = "MessageAttributes"
    if subscription.dead_letter_queue is not None:
        attributes["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": subscription.dead_letter_queue.arn})
    return attributes
