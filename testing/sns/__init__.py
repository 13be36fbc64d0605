"""SNS in memory: what AWS documents of topics, on a scheduler's clock, and boto3's client in front of it.

    sns = Sns(scheduler)
    topic = sns.create_topic("orders.fifo", {"FifoThroughputScope": "MessageGroup"})
    topic.subscribe(queue, name="inventory", filter_policy={"type": ["order.placed"]})
    Client(sns).publish_batch(TopicArn=topic.arn, PublishBatchRequestEntries=[...])

Whoever builds a world decides the fate of every delivery: `Sns(scheduler, deliver=...)`, see `delivery`.
"""

from testing.sns.client import Client
from testing.sns.delivery import Delivery, Fate, Outcome
from testing.sns.errors import NotImplementedHere, Refused
from testing.sns.message import Message
from testing.sns.queues import QueueLike
from testing.sns.service import Sns
from testing.sns.subscription import Subscription
from testing.sns.topic import Topic
from testing.sns.totals import Totals

__all__ = [
    "Client",
    "Delivery",
    "Fate",
    "Message",
    "NotImplementedHere",
    "Outcome",
    "QueueLike",
    "Refused",
    "Sns",
    "Subscription",
    "Topic",
    "Totals",
]
