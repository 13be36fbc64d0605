"""The services of one world: DynamoDB, SQS, SNS with its topic, and SES, on one clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from messaging.tables import EXPIRATION, Table
from testing import dynamodb, ses, sns, sqs
from testing.scheduler import Scheduler

# Between the two steps of a transaction, in which others that want its items are in conflict with it.
COMMIT_SECONDS = 0.003
# As stacks/ makes it. https://docs.aws.amazon.com/sns/latest/dg/fifo-high-throughput.html
_TOPIC_ATTRIBUTES = {
    "FifoThroughputScope": "MessageGroup",
    "ContentBasedDeduplication": "false",
    "ArchivePolicy": json.dumps({"MessageRetentionPeriod": "30"}),
}


class Services:
    """`deliver` decides what becomes of each delivery from the topic. `accepted` are the bodies of all messages that
    the topic has taken, repeats among them, where it `keeps` them."""

    def __init__(self, scheduler: Scheduler, topic: str, *, deliver: sns.Delivery, keeps: bool) -> None:
        self.store = dynamodb.Store(scheduler.time)
        self.sqs = sqs.Sqs(scheduler)
        self.mailbox = ses.Mailbox(scheduler)
        self.sns = sns.Sns(scheduler, deliver=deliver, refuse=self._note if keeps else None)
        self.topic = self.sns.create_topic(f"{topic}.fifo", _TOPIC_ATTRIBUTES)
        self.accepted: list[str] = []
        self.clients: Mapping[str, Any] = {
            "dynamodb": dynamodb.Client(self.store, pause=self._between_steps),
            "sqs": sqs.Client(self.sqs),
            "sns": sns.Client(self.sns),
            "sesv2": ses.Client(self.mailbox),
        }
        self.tables: dict[str, Table] = {}  # by physical name
        self._scheduler = scheduler

    def create_table(self, table: Table, name: str) -> None:
        """Add a table under a physical name."""
        self.store.create_table(
            name,
            table.partition_key,
            table.sort_key,
            stream_view="NEW_IMAGE" if table.streams else None,
            time_to_live=EXPIRATION if table.expires else None,
        )
        self.tables[name] = table

    def _note(self, _: sns.Topic, publication: Any) -> None:
        self.accepted.append(publication.body)

    def _between_steps(self, step: str) -> None:
        if step == dynamodb.PREPARED:
            self._scheduler.sleep(COMMIT_SECONDS)
