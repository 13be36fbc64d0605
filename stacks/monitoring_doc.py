"""The tables of docs/monitoring.md, made of the table of alarms: what there is, and what it costs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from messaging import metrics as own
from messaging.errors import REASONS
from messaging.topology import ORDERS
from stacks.alarm_rule import ADVICE, AlarmRule, Comparison
from stacks.alarms import CANARY_ALARMS, RELAY_ALARMS, SUBSCRIPTION_ALARMS, TOPIC_ALARMS

SETS: Mapping[str, Sequence[AlarmRule]] = {
    "each subscription": SUBSCRIPTION_ALARMS,
    "topic": TOPIC_ALARMS,
    "relay": RELAY_ALARMS,
    "canary": CANARY_ALARMS,
}
_SIGNS: Mapping[Comparison, str] = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": ">=",
    "LessThanThreshold": "<",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """USD a month, us-east-1, without the free tier. Read in November 2026.

    Source: https://aws.amazon.com/cloudwatch/pricing/
    """

    alarm_metric: float = 0.10  # each metric that an alarm reads, at standard resolution
    composite_alarm: float = 0.50
    custom_metric: float = 0.30  # each of the first 10,000, by the hours in which it has values
    dashboard: float = 3.00
    log_gigabyte: float = 0.50  # once, when it is written


def alarm_table() -> str:
    """A row for each alarm."""
    head = ["| Of | Alarm | Watches | Raised when | For | No data | AWS's advice |", "|---|---|---|---|---|---|---|"]
    rows = [_alarm_row(of, rule) for of, rules in SETS.items() for rule in rules]
    links = [f"[{name}]: {url}" for name, url in ADVICE.items() if url]
    return "\n".join([*head, *rows, "", *links])


def cost_table(prices: Prices) -> str:
    """A row for each thing that is paid for, with the formula, for the consumers of the topology."""
    head = ["| What | How many | USD a month |", "|---|---|---|"]
    return "\n".join([*head, *_cost_rows(len(ORDERS.subscriptions), prices)])


def embed(text: str) -> str:
    """The document with both tables brought up to date. Raises ValueError where it lacks their marker lines."""
    for name, table in (("alarms", alarm_table()), ("cost", cost_table(Prices()))):
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, begins, rest = text.partition(begin)
        _, ends, after = rest.partition(end)
        if not begins or not ends:
            raise ValueError(f"the document lacks the lines {begin!r} and {end!r}")
        text = f"{before}{begin}\n\n{table}\n\n{end}{after}"
    return text


def _alarm_row(of: str, rule: AlarmRule) -> str:
    watched = " and ".join(
        f"`{each.name}` ({each.statistic}, {each.of or 'all publishers'})" for each in rule.metrics.values()
    )
    minutes = rule.period_seconds // 60
    times = f"{rule.datapoints} of {rule.periods} x {minutes} min"
    raised = f"{_SIGNS[rule.comparison]} {rule.threshold_says}"
    advice = f"[{rule.advice}]: {rule.follows}" if ADVICE[rule.advice] else rule.follows
    cells = (of, f"[{rule.name}](#{rule.name.lower()})", watched, raised, times, rule.missing_data, advice)
    return f"| {' | '.join(cells)} |"


def _cost_rows(consumers: int, prices: Prices) -> Iterator[str]:
    per_subscription, topic, relay = (
        sum(len(rule.metrics) for rule in rules) for rules in (SUBSCRIPTION_ALARMS, TOPIC_ALARMS, RELAY_ALARMS)
    )
    alarm_metrics = consumers * per_subscription + topic + relay
    composites = consumers + 2
    of_batches = len([own.RECORDS, *own.OUTCOMES.values(), own.CONFLICTS, own.EFFECT_LATENCY, own.END_TO_END_LATENCY])
    of_publishers = len([own.PUBLISHED, own.PUBLISH_FAILED, own.UNROUTED, own.PUBLISH_LATENCY])
    of_relay = len([own.REFUSED, own.RELAY_RETRIED])
    by_reason = len(REASONS) + 1
    most = consumers * (of_batches + by_reason) + 3 * of_publishers + 2 * of_relay
    usual = consumers * 4 + 3 * of_publishers
    fixed = alarm_metrics * prices.alarm_metric + composites * prices.composite_alarm + prices.dashboard
    yield _cost(
        "Alarms",
        f"{consumers} subscriptions x {per_subscription} metrics + {topic} of the topic + {relay} of the relay",
        alarm_metrics * prices.alarm_metric,
    )
    yield _cost("Composites", f"{consumers} + topic + relay", composites * prices.composite_alarm)
    yield _cost("Dashboard", "1", prices.dashboard)
    yield _cost("**Fixed**", "", fixed)
    yield _cost(
        "Metrics, on a good month",
        f"{consumers} x 4 (records, applied, two latencies) + {of_publishers} x 3 (all publishers, relay, yours)",
        usual * prices.custom_metric,
    )
    yield _cost(
        "Metrics, at most",
        f"{consumers} x ({of_batches} + {by_reason} reasons) + {of_publishers} x 3 + {of_relay} x 2",
        most * prices.custom_metric,
    )
    kilobytes_per_batch = 4  # measured: 2.3 of events, 0.5 of metrics, 0.5 of Lambda's own
    batches = 1_000_000
    yield _cost(
        "Logs, a million batches of ten",
        f"{kilobytes_per_batch} KB a batch at INFO",
        batches * kilobytes_per_batch / 1_000_000 * prices.log_gigabyte,
    )


def _cost(what: str, count: str, price: float) -> str:
    return f"| {what} | {count} | {price:.2f} |"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(embed(document.read_text(encoding="utf-8")), encoding="utf-8")
