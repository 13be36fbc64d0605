"""What a month costs: AWS's prices in one region, as of one day, each with its page, and how much of each is used.

The one place to change when AWS changes a price; what a record takes by design is in effects.py.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from cli.costs.effects import MARKER_BYTES, Cost, Design, cost_of, outbox_units
from cli.costs.traffic import DAYS_A_MONTH, MONTH_SECONDS, Traffic, sample
from messaging import metrics
from messaging.subscription import DAY_SECONDS, Subscription
from messaging.topic import Topic

REGION = "us-east-1"
AS_OF = "2026-09-15"

_PRICING = "https://aws.amazon.com/{}/pricing/"
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """`usd` for each `per` of `unit`. Of these, `free` are free every month, for as long as the account lives."""

    service: str
    item: str
    usd: float
    per: int
    unit: str
    page: str
    free: float = 0

    @property
    def source(self) -> str:
        """Where AWS says so."""
        return _PRICING.format(self.page)

    def of(self, quantity: float, *, free_tier: bool) -> float:
        """US dollars for a month's quantity."""
        return max(0.0, quantity - (self.free if free_tier else 0)) * self.usd / self.per


# A subscription message of a FIFO topic is one for each subscription, whether its filter takes it or not.
PUBLISHES = Price("SNS FIFO", "publish requests", 0.30, _MILLION, "requests", "sns")
PUBLISHED_DATA = Price("SNS FIFO", "published data", 0.017, 1, "GB", "sns")
SUBSCRIBED = Price("SNS FIFO", "subscription messages", 0.01, _MILLION, "messages", "sns")
SUBSCRIBED_DATA = Price("SNS FIFO", "subscription data", 0.001, 1, "GB", "sns")
FIFO_REQUESTS = Price("SQS", "FIFO requests", 0.50, _MILLION, "requests", "sqs")
# SQS gives one free million for both kinds together: it is taken from the standard ones.
STANDARD_REQUESTS = Price("SQS", "standard requests", 0.40, _MILLION, "requests", "sqs", free=_MILLION)
INVOCATIONS = Price("Lambda", "invocations", 0.20, _MILLION, "requests", "lambda", free=_MILLION)
COMPUTE = Price("Lambda", "compute, arm64", 0.0000133334, 1, "GB-seconds", "lambda", free=400_000)
WRITES = Price("DynamoDB", "write request units", 0.625, _MILLION, "units", "dynamodb")
READS = Price("DynamoDB", "read request units", 0.125, _MILLION, "units", "dynamodb")
STORAGE = Price("DynamoDB", "storage of markers", 0.25, 1, "GB-months", "dynamodb", free=25)
BACKUP = Price("DynamoDB", "point-in-time recovery of markers", 0.20, 1, "GB-months", "dynamodb")
LOGS = Price("CloudWatch", "logs taken in", 0.50, 1, "GB", "cloudwatch", free=5)
METRICS = Price("CloudWatch", "metrics of our own", 0.30, 1, "metrics", "cloudwatch", free=10)
ALARMS = Price("CloudWatch", "metrics under alarms", 0.10, 1, "metrics", "cloudwatch", free=10)
COMPOSITES = Price("CloudWatch", "composite alarms", 0.50, 1, "alarms", "cloudwatch")
DASHBOARDS = Price("CloudWatch", "dashboards", 3.00, 1, "dashboards", "cloudwatch", free=3)
TRACES = Price("X-Ray", "traces recorded", 5.00, _MILLION, "traces", "xray", free=100_000)
EMAILS = Price("SES", "e-mails", 0.10, 1_000, "e-mails", "ses")

PRICES = (
    *(PUBLISHES, PUBLISHED_DATA, SUBSCRIBED, SUBSCRIBED_DATA, FIFO_REQUESTS, STANDARD_REQUESTS, INVOCATIONS, COMPUTE),
    *(WRITES, READS, STORAGE, BACKUP, LOGS, METRICS, ALARMS, COMPOSITES, DASHBOARDS, TRACES, EMAILS),
)

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

# As stacks/alarms.py has them; tests/cli/costs/test_formula.py holds these to it.
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
    used[PUBLISHES] += first / traffic.publish_fill + followed / relayed_fill
    used[PUBLISHED_DATA] += gigabytes
    used[SUBSCRIBED] += (first + followed) * len(topic.subscriptions)
    used[SUBSCRIBED_DATA] += gigabytes * len(topic.subscriptions)


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
    used[FIFO_REQUESTS if row.fifo else STANDARD_REQUESTS] += requests
    _invocations(used, batches, cost.batch_ms + cost.record_ms * fill, operations)
    used[WRITES] += messages * cost.write_units
    used[READS] += messages * cost.read_units
    _markers(used, row, messages, cost)
    used[EMAILS] += messages * cost.calls
    ours = design == "waybill"
    per_batch = BATCH_LOG_BYTES + METRICS_LOG_BYTES if ours else 0
    per_record = EVENT_LOG_BYTES * ours + RECORD_LOG_BYTES * (operations.debug or not ours)
    used[LOGS] += (batches * per_batch + messages * per_record) / GB


def _invocations(used: Used, batches: float, milliseconds: float, operations: Operations) -> None:
    used[INVOCATIONS] += batches
    used[COMPUTE] += batches * milliseconds / 1000 * MEMORY_GB
    used[LOGS] += batches * PLATFORM_LOG_BYTES / GB
    if operations.tracing:
        per_second = batches / MONTH_SECONDS
        used[TRACES] += MONTH_SECONDS * (min(1.0, per_second) + max(0.0, per_second - 1) * SAMPLED_SHARE)


def _markers(used: Used, row: Subscription, messages: float, cost: Cost) -> None:
    """What is there once as many expire as are written. That TTL deletes them costs nothing."""
    days = row.marker_lifetime_seconds / DAY_SECONDS
    gigabytes = messages / DAYS_A_MONTH * days * cost.markers * MARKER_BYTES / GB
    used[STORAGE] += gigabytes
    used[BACKUP] += gigabytes


def _relay(used: Used, topic: Topic, traffic: Traffic, operations: Operations) -> None:
    """That Lambda reads a stream costs nothing; what is sent is deleted."""
    followed = sum(traffic.followed_up(topic).values())
    batches = followed / min(RELAY_BATCH, 1 + followed / MONTH_SECONDS * RELAY_LATENCY_SECONDS)
    sweeps = MONTH_SECONDS / (15 * 60)
    _invocations(used, batches + sweeps, RELAY_MS, operations)
    used[WRITES] += followed * outbox_units()
    used[LOGS] += (batches + sweeps) * (BATCH_LOG_BYTES + METRICS_LOG_BYTES) / GB


def _watching(used: Used, topic: Topic, design: Design, operations: Operations) -> None:
    """Alarms and the dashboard are the same in each design, so that bills differ by what designs do."""
    rows = len(topic.subscriptions)
    alarms = rows * ALARM_METRICS_OF_SUBSCRIPTION + ALARM_METRICS_OF_TOPIC + ALARM_METRICS_OF_RELAY
    used[ALARMS] += alarms
    used[COMPOSITES] += rows + 2  # one "is unwell" a subscription, the topic's and the relay's
    used[DASHBOARDS] += 1 if operations.dashboard else 0
    if design == "waybill":
        of_consumer = [metrics.RECORDS, *metrics.OUTCOMES.values(), metrics.CONFLICTS]
        of_consumer += [metrics.EFFECT_LATENCY, metrics.END_TO_END_LATENCY]
        of_relay = [metrics.PUBLISHED, metrics.UNROUTED, metrics.REFUSED, metrics.RELAY_RETRIED]
        used[METRICS] += rows * len(of_consumer) + len(of_relay)
