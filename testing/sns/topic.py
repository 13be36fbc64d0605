"""A topic: accepts messages, drops repeats, keeps them for replay, and hands them to its subscriptions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

from messaging.filters import FilterPolicy
from testing.scheduler import Scheduler
from testing.sns.archive import Archive
from testing.sns.deduplication import Receipt, Window
from testing.sns.delivery import Delivery
from testing.sns.errors import NotImplementedHere, invalid
from testing.sns.message import Message
from testing.sns.publication import Publication
from testing.sns.queues import NO_ATTRIBUTES, Attributes, QueueLike
from testing.sns.routing import Route, Routing
from testing.sns.subscription import Subscription
from testing.sns.totals import Totals

# Of a message, and of a batch together: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
MAX_BYTES = 256 * 1024
_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_FIRST_SEQUENCE_NUMBER = 10_000_000_000_000_000_000
# They would change what happens to messages; other attributes are kept and do nothing.
_NOT_HERE = ("MaximumMessageSize", "DataProtectionPolicy", "DeliveryPolicy")


@dataclass(frozen=True, slots=True)
class Checked:
    """A message that the topic can accept."""

    publication: Publication
    deduplication_id: str | None
    route: Route
    size_bytes: int  # body and attributes


class Topic:
    """A topic, FIFO where its name says so. Its attributes are those of CreateTopic. Raises Refused.

    Source: https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
    """

    def __init__(self, name: str, attributes: Mapping[str, str], scheduler: Scheduler, deliver: Delivery) -> None:
        if not _NAME.fullmatch(name.removesuffix(".fifo")):
            raise invalid("Topic Name")
        for attribute in _NOT_HERE:
            if attribute in attributes:
                raise NotImplementedHere(f"topic attribute {attribute}")
        self.name = name
        self.arn = f"arn:aws:sns:us-east-1:000000000000:{name}"
        self.fifo = name.endswith(".fifo")
        self.attributes = dict(attributes)
        self._scheduler = scheduler
        self._deliver = deliver
        self._content_based = attributes.get("ContentBasedDeduplication") == "true"
        self._window_per_group = attributes.get("FifoThroughputScope", "Topic") == "MessageGroup"
        self._archive = Archive.of(attributes["ArchivePolicy"]) if attributes.get("ArchivePolicy") else None
        if not self.fifo and (self._content_based or self._window_per_group or self._archive is not None):
            raise invalid("Attributes Reason: only a FIFO topic has deduplication and an archive")
        self._routing = Routing()
        self._window = Window()
        self._sequence = count(_FIRST_SEQUENCE_NUMBER)
        self._totals: list[Totals] = [Totals()]  # its own, then those of all subscriptions that it ever had

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """Its subscriptions, in the order in which they were made."""
        return self._routing.subscriptions

    @property
    def totals(self) -> Totals:
        """The sums over its subscriptions, those that are gone too, and what is its own."""
        return Totals.together(self._totals)

    def subscribe(
        self,
        queue: QueueLike,
        *,
        name: str,
        filter_policy: FilterPolicy | None = None,
        dead_letter_queue: QueueLike | None = None,
        raw: bool = True,
    ) -> Subscription:
        """Deliver to a queue what is published from now on. `name` is for whoever decides what becomes of deliveries.

        Raises Refused, and TopologyError for a filter policy that SNS or `messaging.filters` does not know. A FIFO
        topic's dead-letter queues are FIFO: https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
        """
        if queue.fifo and not self.fifo:
            raise invalid(
                "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
            )
        if dead_letter_queue is not None and dead_letter_queue.fifo != self.fifo:
            raise invalid("RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.")
        subscription = Subscription(
            self._scheduler,
            self._deliver,
            queue,
            name=name,
            arn=f"{self.arn}:{dashed(self._scheduler.new_id())}",
            filter_policy=filter_policy or {},
            dead_letter_queue=dead_letter_queue,
            raw=raw,
            archive=self._archive,
        )
        self._routing.add(subscription)
        self._totals.append(subscription.totals)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """What is published from now on no longer goes there; what is under way does."""
        self._routing.remove(subscription)

    def publish(
        self,
        body: str,
        *,
        attributes: Attributes = NO_ATTRIBUTES,
        group: str | None = None,
        deduplication_id: str | None = None,
        subject: str | None = None,
    ) -> Receipt:
        """Accept a message and begin to deliver it. Raises Refused."""
        return self.accept(self.check(Publication(body, attributes, subject, group, deduplication_id)))

    def check(self, publication: Publication) -> Checked:
        """Raises Refused for a message that the topic can't accept."""
        publication.check(fifo=self.fifo, content_based=self._content_based)
        body = publication.body.encode()
        route = self._routing.route(publication.attributes)
        size_bytes = len(body) + route.attributes_bytes
        if size_bytes > MAX_BYTES:
            raise invalid("Message too long")
        deduplication_id = publication.deduplication_id
        if self.fifo and deduplication_id is None:
            deduplication_id = hashlib.sha256(body).hexdigest()
        return Checked(publication, deduplication_id, route, size_bytes)

    def accept(self, checked: Checked) -> Receipt:
        """Take a message: deliver it to all that want it, unless it repeats one of the last five minutes."""
        now, publication, own = self._scheduler.now, checked.publication, self._totals[0]
        key: object = checked.deduplication_id
        if self.fifo:
            if self._window_per_group:
                key = (publication.group, key)
            earlier = self._window.find(key, now=now)
            if earlier is not None:
                own.deduplicated += 1
                return earlier
        message = Message(
            dashed(self._scheduler.new_id()),
            str(next(self._sequence)) if self.fifo else None,
            publication.body,
            checked.route.attributes,
            publication.subject,
            publication.group,
            checked.deduplication_id,
            now,
        )
        receipt = Receipt(message.message_id, message.sequence_number)
        own.published += 1
        if self.fifo:
            self._window.add(key, receipt, now=now)
        if self._archive is not None:
            self._archive.add(message)
        for subscription in checked.route.takers:
            subscription.take(message)
        for subscription in checked.route.others:
            subscription.totals.filtered_out += 1
        return receipt


def dashed(digits: str) -> str:
    """32 hexadecimal digits as a UUID is written."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
