"""How many messages a queue has, and has had."""

from __future__ import annotations

from dataclasses import dataclass

from testing.sqs.holdings import Holdings


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one moment. What SQS moves itself does not count as sent, as in CloudWatch's NumberOfMessagesSent.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """

    visible: int
    not_visible: int
    delayed: int
    sent: int
    received: int
    deleted: int
    deduplicated: int
    moved_in: int
    moved_out: int
    expired: int
    purged: int


@dataclass(slots=True)
class Totals:
    """What has happened to a queue's messages so far."""

    sent: int = 0
    received: int = 0
    deleted: int = 0
    deduplicated: int = 0
    moved_in: int = 0
    moved_out: int = 0
    expired: int = 0
    purged: int = 0

    def with_present(self, held: Holdings) -> Counts:
        """These totals and what is in the queue now."""
        return Counts(
            visible=held.ready,
            not_visible=held.in_flight,
            delayed=held.delayed,
            sent=self.sent,
            received=self.received,
            deleted=self.deleted,
            deduplicated=self.deduplicated,
            moved_in=self.moved_in,
            moved_out=self.moved_out,
            expired=self.expired,
            purged=self.purged,
        )
