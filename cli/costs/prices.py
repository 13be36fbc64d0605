"""What AWS charges in one region, as of one day, each price with its page. The one place to change when AWS does."""

from __future__ import annotations

from dataclasses import dataclass

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
