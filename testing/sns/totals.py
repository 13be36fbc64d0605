"""What became of messages, in the words of SNS's CloudWatch metrics.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields


@dataclass(slots=True)
class Totals:
    """Counts since the beginning. A subscription's `published` and `deduplicated` stay 0: they are the topic's.

    When nothing is under way, each subscription has delivered + filtered_out + failed = the topic's published + its own
    replayed; and failed = redriven_to_dlq + lost.
    """

    published: int = 0  # accepted, repeats not counted
    deduplicated: int = 0  # accepted and dropped: repeats of one published within five minutes
    replayed: int = 0  # out of the archive once more, filtered out or not
    delivered: int = 0  # messages: a second copy in the queue is not counted
    filtered_out: int = 0
    failed: int = 0  # given up
    redriven_to_dlq: int = 0  # of the failed: in the subscription's dead-letter queue
    lost: int = 0  # of the failed: nowhere

    @classmethod
    def together(cls, totals: Iterable[Totals]) -> Totals:
        """The sums."""
        everything = list(totals)
        return cls(**{each.name: sum(getattr(one, each.name) for one in everything) for each in fields(cls)})
