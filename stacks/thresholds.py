"""From which value on an alarm is raised: derived from its subscription."""

from __future__ import annotations

from messaging.subscription import RESERVE_SECONDS, Subscription

DRAIN_SECONDS = 15 * 60

# Of standard and of FIFO queues (20,000 until 2024). At the quota SQS gives out no more, and says nothing.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-fifo.html
IN_FLIGHT_QUOTA = 120_000

# Of the records that a consumer takes, so many in a hundred are handed back: most of what it does is in vain.
FAILING_PERCENT = 50

# A forecast of a day is shown for every longer one, and for a backlog that does not shrink at all.
LONGEST_FORECAST_MINUTES = 24 * 60


# A FIFO queue looks for message groups among its first 120,000 messages: those behind them wait, whatever their group.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/avoid-backlog-with-the-same-message-group-id.html
FIFO_SIGHT = 120_000


def depth(row: Subscription) -> int:
    """More messages than the function drains in a quarter of an hour, were each batch to take its whole time-out; of a
    FIFO queue four fifths of those among which it finds groups at most."""
    drained = row.maximum_concurrency * row.batch_size * DRAIN_SECONDS // row.timeout_seconds
    return min(drained, FIFO_SIGHT * 4 // 5) if row.fifo else drained


def age_seconds(row: Subscription) -> int:
    """Half as long again as a healthy consumer lets a message wait, and in time before good messages are lost.

    A message may wait for one retry, or for the deploy that brings its version. Past half of `max_age_seconds` or
    of `outage_seconds` it is soon too late to help.
    """
    expected_seconds = max(row.visibility_timeout_seconds, row.newer_version_patience_seconds)
    return max(1, min(expected_seconds * 3 // 2, _too_late_seconds(row) // 2))


def age_minutes(row: Subscription) -> int:
    """For how long a message may be older than that before people must hear of it: what is left until it is too late,
    less the minute that a metric takes to be there."""
    return max(1, (_too_late_seconds(row) - age_seconds(row)) // 60 - 1)


def _too_late_seconds(row: Subscription) -> int:
    return min(row.outage_seconds, row.max_age_seconds or row.outage_seconds)


def in_flight(row: Subscription) -> int:
    """Half as many again as the consumer can hold, were each of its batches to fail for a whole visibility timeout, and
    four fifths of the quota at most.

    A batch that fails is in flight until its messages are visible again; a function that fails at once takes the next
    batch every second.
    """
    held = row.maximum_concurrency * row.batch_size * row.visibility_timeout_seconds
    return min(held * 3 // 2, IN_FLIGHT_QUOTA * 4 // 5)


def duration_milliseconds(row: Subscription) -> int:
    """The consumer begins no work later than this: what takes longer is near its end by force."""
    return round((row.timeout_seconds - RESERVE_SECONDS) * 1000)
