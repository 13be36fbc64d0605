"""AWS's quotas in us-east-1 that a load can meet, and how near it comes to each. Soft ones can be raised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cli.capacities.load import Load
from cli.costs.effects import IN_TRANSACTION, cost_of
from messaging.subscription import Subscription
from messaging.tables import TABLES_BY_NAME
from messaging.topic import Topic


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit a second, or of things at once."""

    name: str
    limit: float
    soft: bool
    source: str


TOPIC = Quota("SNS: messages/s of the account", 30_000, True, "https://docs.aws.amazon.com/general/latest/gr/sns.html")
GROUP = Quota("SNS: messages/s of one message group", 300, False, TOPIC.source)
CONCURRENCY = Quota(
    "Lambda: functions at once in the account",
    1_000,
    True,
    "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
)
PARTITION = Quota(
    "DynamoDB: write units/s of one partition",
    1_000,
    False,
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html",
)
TABLE = Quota(
    "DynamoDB: write units/s of one table",
    40_000,
    True,
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html",
)
# What a table on demand takes at once when it is new, or has had less: it doubles within half an hour.
NEW_TABLE = Quota(
    "DynamoDB: write units/s of a new table",
    4_000,
    False,
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html",
)

# Lambda's poller of a queue begins with so many batches at once and adds so many a second.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
FIRST_BATCHES = 5
MORE_BATCHES_PER_SECOND = 300 / 60


@dataclass(frozen=True, slots=True)
class Check:
    """How much of a quota the steady rate needs."""

    quota: Quota
    about: str
    needed: float

    @property
    def share(self) -> float:
        """1 is all of it."""
        return self.needed / self.quota.limit


def checks(topic: Topic, load: Load) -> Iterator[Check]:
    """What the steady rate of a load needs of each quota. A burst waits in the queues, and is let through at the
    consumers' own rate."""
    events = load.events_per_second(topic)
    yield Check(TOPIC, "all events, follow-ups among them", events)
    yield Check(GROUP, "the busiest customer's events", events * load.hot_group_share)
    yield Check(
        CONCURRENCY, "all consumers at their maximum", sum(row.maximum_concurrency for row in topic.subscriptions)
    )
    inbox = 0.0
    for row in topic.subscriptions:
        rate = load.messages_per_second(row, topic)
        inbox += rate * cost_of(row, "waybill").markers * (1 if row.has_external_effects else IN_TRANSACTION)
        yield from _hot_items(row, rate, load)
    yield Check(NEW_TABLE, "markers in the inbox", inbox)
    yield Check(TABLE, "markers in the inbox", inbox)


def _hot_items(row: Subscription, rate: float, load: Load) -> Iterator[Check]:
    """Tables whose items many orders share: all others spread by themselves."""
    for name in row.writes:
        key = TABLES_BY_NAME[name].partition_key
        if key not in ("order_id", "customer_id"):
            needed = rate * load.hot_item_share * IN_TRANSACTION
            yield Check(PARTITION, f"{row.consumer}: the busiest {key} of {name}", needed)
