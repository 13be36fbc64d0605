"""How much of everything AWS charges for a design uses in a month."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from cli.costs import prices
from cli.costs.effects import MARKER_BYTES, Cost, Design, cost_of, outbox_units
from cli.costs.prices import Price
from cli.costs.traffic import DAYS_A_MONTH, MONTH_SECONDS, Traffic, sample
from messaging import metrics
from messaging.subscription import DAY_SECONDS, Subscription
from messaging.topic import Topic

Used = defaultdict[Price, float]

GB = 10**9

# Lambda polls a queue with five long polls of 20 s at a time, also where nothing comes; fewer only without a maximum
# concurrency. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
POLLERS, POLL_SECONDS = 5, 20
MEMORY_GB = 0.5  # of a function

# Bytes with CloudWatch's 26 an entry: Lambda's START, END and REPORT, our line a batch and its metrics; at DEBUG, also
# one line a record, which the other designs have at INFO. The line a batch names each event in it.
PLATFORM_LOG_BYTES, BATCH_LOG_BYTES, METRICS_LOG_BYTES, RECORD_LOG_BYTES = 420, 400, 900, 560
EVENT_LOG_BYTES = 210

# As stacks/alarms.py has them; tests/cli/costs/test_usage.py holds these to it.
ALARM_METRICS_OF_SUBSCRIPTION, ALARM_METRICS_OF_TOPIC, ALARM_METRICS_OF_RELAY = 15, 5, 4
# X-Ray's default rule: the first request of each second, and one of twenty of the others.
# https://docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html
SAMPLED_SHARE = 0.05

RELAY_BATCH, RELAY_MS = 10, 30.0
RELAY_LATENCY_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """What operators choose."""

    debug: bool = False
    tracing: bool = True
    dashboard: bool = True


def usage(topic: Topic, traffic: Traffic, design: Design, operations: Operations) -> Used:
    """Quantities in the prices' units."""
    used: Used = defaultdict(float)
    _publishing(used, topic, traffic, design)
    for row in topic.subscriptions:
        _subscription(used, row, topic, traffic, design, operations)
    if design == "waybill":
        _relay(used, topic, traffic, operations)
    _watching(used, topic, design, operations)
    return used


def _publishing(used: Used, topic: Topic, traffic: Traffic, design: Design) -> None:
    first, followed = sum(traffic.published().values()), sum(traffic.followed_up(topic).values())
    # The relay's batches come out of its stream's; without a relay a function publishes each by itself.
    relayed_fill = min(10.0, 1 + followed / MONTH_SECONDS * RELAY_LATENCY_SECONDS) if design == "waybill" else 1.0
    gigabytes = (first + followed) * sample().message_bytes / GB
    used[prices.PUBLISHES] += first / traffic.publish_fill + followed / relayed_fill
    used[prices.PUBLISHED_DATA] += gigabytes
    used[prices.SUBSCRIBED] += (first + followed) * len(topic.subscriptions)
    used[prices.SUBSCRIBED_DATA] += gigabytes * len(topic.subscriptions)


def _subscription(
    used: Used,
    row: Subscription,
    topic: Topic,
    traffic: Traffic,
    design: Design,
    operations: Operations,
) -> None:
    messages, fill, cost = traffic.messages(row, topic), traffic.fill(row, topic), cost_of(row, design)
    batches = messages / fill
    # SNS sends each message by itself; Lambda receives and deletes by batches, and polls when there is nothing.
    requests = messages + 2 * batches + max(0.0, POLLERS * MONTH_SECONDS / POLL_SECONDS - batches)
    used[prices.FIFO_REQUESTS if row.fifo else prices.STANDARD_REQUESTS] += requests
    _invocations(used, batches, cost.batch_ms + cost.record_ms * fill, operations)
    used[prices.WRITES] += messages * cost.write_units
    used[prices.READS] += messages * cost.read_units
    _markers(used, row, messages, cost)
    used[prices.EMAILS] += messages * cost.calls
    ours = design == "waybill"
    per_batch = BATCH_LOG_BYTES + METRICS_LOG_BYTES if ours else 0
    per_record = EVENT_LOG_BYTES * ours + RECORD_LOG_BYTES * (operations.debug or not ours)
    used[prices.LOGS] += (batches * per_batch + messages * per_record) / GB


def _invocations(used: Used, batches: float, milliseconds: float, operations: Operations) -> None:
    used[prices.INVOCATIONS] += batches
    used[prices.COMPUTE] += batches * milliseconds / 1000 * MEMORY_GB
    used[prices.LOGS] += batches * PLATFORM_LOG_BYTES / GB
    if operations.tracing:
        per_second = batches / MONTH_SECONDS
        used[prices.TRACES] += MONTH_SECONDS * (min(1.0, per_second) + max(0.0, per_second - 1) * SAMPLED_SHARE)


def _markers(used: Used, row: Subscription, messages: float, cost: Cost) -> None:
    """What is there once as many expire as are written. That TTL deletes them costs nothing."""
    days = row.marker_lifetime_seconds / DAY_SECONDS
    gigabytes = messages / DAYS_A_MONTH * days * cost.markers * MARKER_BYTES / GB
    used[prices.STORAGE] += gigabytes
    used[prices.BACKUP] += gigabytes


def _relay(used: Used, topic: Topic, traffic: Traffic, operations: Operations) -> None:
    """That Lambda reads a stream costs nothing; what is sent is deleted."""
    followed = sum(traffic.followed_up(topic).values())
    batches = followed / min(RELAY_BATCH, 1 + followed / MONTH_SECONDS * RELAY_LATENCY_SECONDS)
    sweeps = MONTH_SECONDS / (15 * 60)
    _invocations(used, batches + sweeps, RELAY_MS, operations)
    used[prices.WRITES] += followed * outbox_units()
    used[prices.LOGS] += (batches + sweeps) * (BATCH_LOG_BYTES + METRICS_LOG_BYTES) / GB


def _watching(used: Used, topic: Topic, design: Design, operations: Operations) -> None:
    """Alarms and the dashboard are the same in each design, so that bills differ by what designs do."""
    rows = len(topic.subscriptions)
    alarms = rows * ALARM_METRICS_OF_SUBSCRIPTION + ALARM_METRICS_OF_TOPIC + ALARM_METRICS_OF_RELAY
    used[prices.ALARMS] += alarms
    used[prices.COMPOSITES] += rows + 2  # one "is unwell" a subscription, the topic's and the relay's
    used[prices.DASHBOARDS] += 1 if operations.dashboard else 0
    if design == "waybill":
        of_consumer = [metrics.RECORDS, *metrics.OUTCOMES.values(), metrics.CONFLICTS]
        of_consumer += [metrics.EFFECT_LATENCY, metrics.END_TO_END_LATENCY]
        of_relay = [metrics.PUBLISHED, metrics.UNROUTED, metrics.REFUSED, metrics.RELAY_RETRIED]
        used[prices.METRICS] += rows * len(of_consumer) + len(of_relay)
