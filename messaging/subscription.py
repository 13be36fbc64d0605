"""What a row of the topology says, and all that derives from it: filter, time-outs, receives, lifetimes, names."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from messaging import filters
from messaging.errors import TopologyError
from messaging.events import EventType
from messaging.tables import TABLES_BY_NAME

DAY_SECONDS = 24 * 60 * 60
HOUR_SECONDS = 60 * 60
REPLAY_HORIZON_SECONDS = 26 * DAY_SECONDS
# No step of a function is begun with less left: one that hangs for as long as its client allows ends before the kill.
RESERVE_SECONDS = 2.0
MIN_TIMEOUT_SECONDS = 3

# The stacks of every deployment, as the ends of their names: what outlives consumers, and consumers.
MESSAGING_STACK, CONSUMERS_STACK = "messaging", "consumers"

Ordering = Literal["none", "group", "monotonic", "strict"]
Only = Literal["changes", "marks"]
Output = Literal[
    "QueueUrl", "DeadLetterQueueUrl", "TopicDeadLetterQueueUrl", "FunctionName", "LogGroupName", "EventSourceMappingId"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One consumer's filtered feed of a topic.

    `where` filters by attribute beside the type (SNS conditions). `reads` and `writes` name tables, `calls` IAM
    actions of external effects, `emits` the follow-up events of its effects: permissions derive from them. `external`
    says that the effects are external where no AWS action does, such as a payment over HTTP.

    `writes_only` says of a table that is written what less than everything happens to its items: they are only changed,
    or each is the only effect of its event, and its own marker.

    `ordering` other than "none" is a FIFO queue. "monotonic" and "strict" hold the envelope's `sequence` against the
    group's cursor: monotonic refuses what is not above it (`stale`), strict also what is not the next (`held`);
    strict counts from 1. Without a `sequence` the queue's order is all there is.

    `stack` is the stack of its resources, by the end of its name: a stack has room for some twenty subscriptions. It is
    for good. Another stack makes another queue, and what waits in the old one, or is published between the two, is lost
    (docs/decisions/0016-stacks-of-consumers.md).

    `powertools_prefix`: what Powertools' idempotency utility put before the `#` of its records' ids, where the inbox
    holds records of it; its hash must be that of the event's id.
    """

    consumer: str
    events: Sequence[EventType]
    where: Mapping[str, Sequence[filters.Condition]] = field(default_factory=dict)
    ordering: Ordering = "none"
    reads: Sequence[str] = ()
    writes: Sequence[str] = ()
    writes_only: Mapping[str, Only] = field(default_factory=dict)
    calls: Sequence[str] = ()
    external: bool = False
    emits: Sequence[EventType] = ()
    max_age_seconds: int | None = None
    timeout_seconds: int = 5
    batch_size: int = 10
    maximum_concurrency: int = 10
    retention_seconds: int = 4 * DAY_SECONDS
    outage_seconds: int = 3 * HOUR_SECONDS
    newer_version_patience_seconds: int = 900
    powertools_prefix: str | None = None
    stack: str = CONSUMERS_STACK

    def __post_init__(self) -> None:
        require(
            re.fullmatch(r"[a-z][a-z0-9_]{0,39}", self.consumer) is not None, self, "a consumer is a Python module name"
        )
        require(
            re.fullmatch(r"[a-z][a-z0-9-]{0,39}", self.stack) is not None and self.stack != MESSAGING_STACK,
            self,
            f"a stack's name is lower-case letters, digits and '-', and {MESSAGING_STACK!r} is taken",
        )
        require(bool(self.events), self, "subscribes to no event")
        require("type" not in self.where, self, "`events` filters by type, `where` must not")
        require(
            MIN_TIMEOUT_SECONDS <= self.timeout_seconds <= 900,
            self,
            f"a time-out is {MIN_TIMEOUT_SECONDS} to 900 s, of which each step keeps {RESERVE_SECONDS:g} in reserve",
        )
        # Lambda: FIFO at most 10; standard above 10 needs a window, which is derived below and fixed at one second.
        require(
            1 <= self.batch_size <= (10 if self.fifo else 10_000), self, "batch size: FIFO 1 to 10, standard to 10,000"
        )
        require(2 <= self.maximum_concurrency <= 1_000, self, "maximum concurrency is 2 to 1,000")
        require(60 <= self.retention_seconds <= 14 * DAY_SECONDS, self, "SQS keeps messages 60 s to 14 days")
        for table in (*self.reads, *self.writes):
            require(table in TABLES_BY_NAME, self, f"no table is named {table!r}")
        for table in self.writes_only:
            require(table in self.writes, self, f"`writes` does not name {table!r}, of which `writes_only` speaks")
        require(
            not (self.ordering == "strict" and self.where), self, "a filter drops events, and strict waits for each"
        )
        require(
            not (self.has_external_effects and self.keeps_cursor),
            self,
            "an external effect has no transaction that moves a cursor",
        )
        require(
            not self.has_external_effects or self.timeout_seconds > 2 * RESERVE_SECONDS,
            self,
            f"a call and its record keep {2 * RESERVE_SECONDS:g} s in reserve: a longer time-out, or none is ever made",
        )
        filters.validate(self.filter_policy)

    @property
    def fifo(self) -> bool:
        """Whether its queue keeps order per message group."""
        return self.ordering != "none"

    @property
    def has_external_effects(self) -> bool:
        """Whether its effects are calls, which are claimed in the inbox, and not writes."""
        return self.external or bool(self.calls)

    @property
    def keeps_cursor(self) -> bool:
        """Whether each group's last applied `sequence` is kept and compared."""
        return self.ordering in ("monotonic", "strict")

    @property
    def items_may_mark(self) -> bool:
        """Whether an effect that is one item keyed by its event needs no marker beside it. Where events expire, their
        markers are looked up before their effects are known: so they are in the inbox, as they are beside a cursor,
        and where Powertools has left its own."""
        return self.max_age_seconds is None and not self.keeps_cursor and self.powertools_prefix is None

    @property
    def filter_policy(self) -> dict[str, list[Any]]:
        """The SNS filter policy over message attributes."""
        return {
            "type": [event.type for event in self.events],
            **{name: list(any_of) for name, any_of in self.where.items()},
        }

    @property
    def handler(self) -> str:
        """The Lambda handler, as a path from the root of the code asset."""
        return f"lambdas.{self.consumer}.handler"

    @property
    def construct_id(self) -> str:
        """The construct's name in its stack."""
        return "".join(word.capitalize() for word in self.consumer.split("_"))

    def output_key(self, what: Output) -> str:
        """The stack output that holds one physical name of this subscription."""
        return f"{self.construct_id}{what}"

    @property
    def batching_window_seconds(self) -> int:
        """How long Lambda gathers a batch; FIFO mappings have none."""
        return 0 if self.fifo else 1

    @property
    def lease_seconds(self) -> int:
        """How long a claim on an external effect holds: past any time-out, even one enforced late, and well before
        SQS shows the message again."""
        return 3 * self.timeout_seconds

    @property
    def visibility_timeout_seconds(self) -> int:
        """Six times the function's time-out plus the window.

        Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        """
        return 6 * self.timeout_seconds + self.batching_window_seconds

    @property
    def max_receive_count(self) -> int:
        """So many receives that an outage of `outage_seconds` dead-letters no good message; SQS takes at most 1,000."""
        return min(1_000, math.ceil(1.5 * self.outage_seconds / self.visibility_timeout_seconds))

    @property
    def dead_letter_retention_seconds(self) -> int:
        """SQS's longest, so that people have time."""
        return 14 * DAY_SECONDS

    @property
    def marker_lifetime_seconds(self) -> int:
        """Longer than an event is accepted, by a day for clocks that differ."""
        return self.oldest_event_seconds + DAY_SECONDS

    @property
    def oldest_event_seconds(self) -> int:
        """How long an event can come back: from its queue, its dead-letter queue or a replay. An older one is refused,
        for the marker that would prove it a duplicate may be gone."""
        return self.retention_seconds + self.dead_letter_retention_seconds + REPLAY_HORIZON_SECONDS


def require(holds: bool, row: Subscription, rule: str) -> None:
    """Raises TopologyError, with the rule, where it does not hold."""
    if not holds:
        raise TopologyError(f"subscription {row.consumer!r}: {rule}")
