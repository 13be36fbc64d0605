"""One subscription: takes the messages that its filter lets pass to its queue, in order per message group where the
queue is a FIFO queue, tries again after server errors, and parks what cannot be delivered.

Sources: https://docs.aws.amazon.com/sns/latest/dg/fifo-message-delivery.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from messaging.filters import FilterPolicy, matches, validate
from testing.scheduler import Scheduler
from testing.sns.archive import Archive
from testing.sns.attributes import strings
from testing.sns.delivery import MAX_FAILURES, Delivery, Fate, Outcome, pause_seconds
from testing.sns.errors import NotImplementedHere, invalid
from testing.sns.message import Message, envelope
from testing.sns.queues import NO_ATTRIBUTES, Attributes, QueueLike, is_refusal
from testing.sns.totals import Totals

# "Messages with more than 10 message attributes directed towards Raw Message Delivery enabled Amazon SQS subscriptions
# will be discarded as client side errors": https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
MAX_RAW_ATTRIBUTES = 10


@dataclass(slots=True, eq=False)
class _Parcel:
    """A message on its way to one queue."""

    message: Message
    replayed: bool
    since: float  # epoch seconds
    failures: int = 0


class Subscription:
    """A queue's subscription to a topic; `Topic.subscribe` makes one.

    Raises TopologyError for a filter policy that SNS refuses or that `messaging.filters` does not evaluate.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        deliver: Delivery,
        queue: QueueLike,
        *,
        name: str,
        arn: str,
        filter_policy: FilterPolicy,
        dead_letter_queue: QueueLike | None,
        raw: bool,
        archive: Archive | None,
    ) -> None:
        validate(filter_policy)
        self.name = name
        self.arn = arn
        self.topic_arn = arn.rpartition(":")[0]
        self.queue = queue
        self.filter_policy = filter_policy
        self.dead_letter_queue = dead_letter_queue
        self.raw = raw
        self.totals = Totals()
        self.under_way = 0  # messages that are neither delivered nor given up
        self._scheduler = scheduler
        self._deliver = deliver
        self._archive = archive
        self._lanes: dict[str | None, deque[_Parcel]] = {}

    def wants(self, attributes: Attributes, seen: Mapping[str, str]) -> bool:
        """Whether the filter lets messages with these attributes pass; `seen` are those of type String."""
        for name in self.filter_policy:
            if name in attributes and name not in seen:
                kind = attributes[name]["DataType"]
                raise NotImplementedHere(f"a filter policy on the attribute {name!r} of type {kind}")
        return matches(self.filter_policy, seen)

    def take(self, message: Message, *, replayed: bool = False) -> None:
        """Begin to deliver a message that passed the filter."""
        self.under_way += 1
        parcel = _Parcel(message, replayed, self._scheduler.now)
        if not self.queue.fifo:
            self._begin(parcel)
            return
        lane = self._lanes.get(message.group)
        if lane is not None:
            lane.append(parcel)  # its turn comes when all before it are done with
            return
        self._lanes[message.group] = deque((parcel,))
        self._begin(parcel)

    def replay(self, starting_at: float, ending_at: float | None = None) -> int:
        """Deliver archived messages that were published in this time, epoch seconds, once more, in order and before
        what is published later. Returns how many pass the filter. Raises Refused where the topic keeps no archive.

        Content, MessageId, group and deduplication id are the same, so a FIFO queue drops what it got within the last
        five minutes. The envelope says `Replayed` (see `message.envelope`); raw delivery strips what is SNS's own, so
        there nothing tells a replayed message:
        https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html
        """
        if self._archive is None:
            raise invalid("ReplayPolicy: the topic has no ArchivePolicy")
        taken = 0
        for message in self._archive.between(starting_at, ending_at, now=self._scheduler.now):
            self.totals.replayed += 1
            if self.wants(message.attributes, strings(message.attributes)):
                self.take(message, replayed=True)
                taken += 1
            else:
                self.totals.filtered_out += 1
        return taken

    def _begin(self, parcel: _Parcel) -> None:
        """An attempt, whose fate is decided now and befalls it later."""
        fate = self._deliver(self, parcel.message)
        if fate.outcome is Outcome.ARRIVES_TWICE and self.queue.fifo:
            raise ValueError(f"{self.name}: a FIFO queue gets no message twice")
        self._scheduler.at(parcel.since + fate.latency_seconds, partial(self._befall, parcel, fate))

    def _befall(self, parcel: _Parcel, fate: Fate) -> None:
        if fate.outcome is Outcome.FAILS_FOR_NOW and parcel.failures + 1 < MAX_FAILURES:
            parcel.failures += 1
            parcel.since = self._scheduler.now + pause_seconds(parcel.failures, self._scheduler.random)
            self._scheduler.at(parcel.since, partial(self._begin, parcel))
            return
        if fate.outcome is Outcome.ARRIVES or fate.outcome is Outcome.ARRIVES_TWICE:
            self._arrive(parcel, fate)
        else:
            self._park(parcel)
        self.under_way -= 1
        if self.queue.fifo:
            self._next(parcel.message.group)

    def _next(self, group: str | None) -> None:
        lane = self._lanes[group]
        lane.popleft()
        if lane:
            self._begin(lane[0])
        else:
            del self._lanes[group]

    def _arrive(self, parcel: _Parcel, fate: Fate) -> None:
        if self.raw and len(parcel.message.attributes) > MAX_RAW_ATTRIBUTES:
            self._lose()
            return
        if not self._send(self.queue, parcel):
            self._park(parcel)
            return
        self.totals.delivered += 1
        if fate.outcome is Outcome.ARRIVES_TWICE:
            self._scheduler.after(fate.copy_seconds, partial(self._send, self.queue, parcel))

    def _park(self, parcel: _Parcel) -> None:
        """Give a message up: into the subscription's dead-letter queue, just as the queue would have got it."""
        dead_letters = self.dead_letter_queue
        if dead_letters is None or not self._send(dead_letters, parcel):
            self._lose()
            return
        self.totals.failed += 1
        self.totals.redriven_to_dlq += 1

    def _lose(self) -> None:
        self.totals.failed += 1
        self.totals.lost += 1

    def _send(self, queue: QueueLike, parcel: _Parcel) -> bool:
        """Whether the queue takes the message."""
        message = parcel.message
        body, attributes = message.body, message.attributes
        if not self.raw:
            body = envelope(message, topic_arn=self.topic_arn, subscription_arn=self.arn, replayed=parcel.replayed)
            attributes = NO_ATTRIBUTES
        # A FIFO topic's group is not passed to standard queues, a standard topic's is, for fair queues:
        # https://docs.aws.amazon.com/sns/latest/dg/fifo-message-grouping.html and API_Publish.html, MessageGroupId
        of_fifo_topic = message.sequence_number is not None
        group = message.group if queue.fifo or not of_fifo_topic else None
        try:
            queue.send(
                body,
                attributes=attributes,
                group=group,
                deduplication_id=message.deduplication_id if queue.fifo else None,
            )
        except Exception as error:
            if not is_refusal(error):
                raise
            return False
        return True
