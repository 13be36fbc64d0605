"""`waybill capacity`: backlog, lag and time to drain against the quotas. Asks nothing of AWS."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import click

from cli.capacities.forecast import LONGEST_SECONDS, Forecast, forecast
from cli.capacities.load import Load
from cli.capacities.plot import plot
from cli.capacities.quotas import Check, checks
from cli.errors import NotFound
from cli.operator import Operator, command
from cli.output import Column
from cli.times import age, duration_seconds
from messaging.subscription import Subscription
from messaging.topic import Topic

COLUMNS = (
    Column("consumer", "Consumer"),
    Column("arriving_per_second", "In/s", right=True),
    Column("most_per_second", "Most out/s", right=True),
    Column("peak_backlog", "Peak backlog", right=True),
    Column("longest_lag_seconds", "Longest lag", right=True),
    Column("drained_after_seconds", "Drained after", right=True),
    Column("bound_by", "Bound by"),
    Column("note", "Note"),
)
QUOTAS = (
    Column("quota", "Quota"),
    Column("about", "Of what"),
    Column("needed", "Needed", right=True),
    Column("limit", "Limit", right=True),
    Column("share", "Used", right=True),
)

EPILOG = """
\b
Examples:
  waybill capacity --rate 50 --burst 20000
  waybill capacity --rate 400 --groups 5 --consumer inventory
  waybill capacity --rate 50 --burst 20000 --concurrency 50 -o json | jq .consumers[].drained_after_seconds

A model, not a measurement: batches are full while there is a backlog, and take as long as on DynamoDB with 4 ms a read
and 9 ms a write. Lambda begins with five batches at once and adds five a second.
"""


@click.command(epilog=EPILOG)
@click.option("--rate", type=click.FloatRange(0), required=True, metavar="R", help="Orders a second, for good.")
@click.option("--burst", type=click.FloatRange(0), default=0, metavar="B", help="Orders at once, on top.")
@click.option("--seconds", metavar="S", help="Look at so long (90s, 10m). By default until the queues are empty.")
@click.option("--consumer", metavar="CONSUMER", help="This one only.")
@click.option("--groups", type=click.IntRange(1), default=1_000, show_default=True, help="Customers who order.")
@click.option("--hot-group", type=click.FloatRange(0, 1), default=0.01, show_default=True, help="Busiest one's share.")
@click.option("--hot-item", type=click.FloatRange(0, 1), default=0.1, show_default=True, help="Busiest item's share.")
@click.option("--mails-per-second", type=click.FloatRange(0, min_open=True), default=14, show_default=True)
@click.option("--concurrency", type=click.IntRange(2, 1_000), metavar="N", help="In place of the rows' maximum.")
@command
def run(
    operator: Operator,
    rate: float,
    burst: float,
    seconds: str | None,
    consumer: str | None,
    groups: int,
    hot_group: float,
    hot_item: float,
    mails_per_second: float,
    concurrency: int | None,
) -> None:
    """Backlog, lag and time to drain against the quotas."""
    load = Load(
        rate=rate,
        burst=burst,
        groups=groups,
        hot_group_share=max(hot_group, 1 / groups),
        hot_item_share=hot_item,
        mails_per_second=mails_per_second,
    )
    topic = _topic(operator.target.topic, concurrency)
    horizon = None if seconds is None else min(LONGEST_SECONDS, max(1, round(duration_seconds(seconds))))
    forecasts = [forecast(row, topic, load, seconds=horizon) for row in _rows(topic, consumer)]
    needed = [*checks(topic, load)]
    if operator.output.format == "json":
        operator.output.document(_document(load, forecasts, needed), "")
        return
    operator.output.rows(COLUMNS, [_row(each, people=operator.output.for_people) for each in forecasts])
    if operator.output.for_people:
        _draw(forecasts)
        operator.output.rows(QUOTAS, [_shown(check) for check in needed], title="\nQuotas, at the steady rate")


def _topic(topic: Topic, concurrency: int | None) -> Topic:
    if concurrency is None:
        return topic
    rows = [dataclasses.replace(row, maximum_concurrency=concurrency) for row in topic.subscriptions]
    return dataclasses.replace(topic, subscriptions=rows)


def _rows(topic: Topic, consumer: str | None) -> Sequence[Subscription]:
    rows = [row for row in topic.subscriptions if consumer in (None, row.consumer)]
    if not rows:
        raise NotFound(f"no consumer {consumer!r}; there are: {', '.join(row.consumer for row in topic.subscriptions)}")
    return rows


def _row(each: Forecast, *, people: bool) -> dict[str, Any]:
    drained, lag = each.drained_after_seconds, each.longest_lag_seconds
    return {
        "consumer": each.row.consumer,
        "arriving_per_second": round(each.arriving_per_second, 1),
        "most_per_second": round(each.most_per_second, 1),
        "peak_backlog": round(each.peak_backlog),
        "longest_lag_seconds": age(lag) if people else round(lag, 1),
        "drained_after_seconds": ("never" if drained is None else age(drained)) if people else drained,
        "bound_by": each.bound_by,
        "note": _note(each),
    }


def _note(each: Forecast) -> str:
    notes = []
    if each.arriving_per_second > each.most_per_second:
        grows = each.arriving_per_second - each.most_per_second
        notes.append(f"{grows:,.0f} a second more than it takes" + _remedy(each))
    if each.expired >= 1:
        notes.append(f"about {each.expired:,.0f} wait longer than {each.row.max_age_seconds} s and expire")
    return "; ".join(notes)


def _remedy(each: Forecast) -> str:
    if each.row.has_external_effects:
        return ""
    what = "message groups" if "groups" in each.bound_by else "batches at once"
    return f": {each.needed_batches:,} {what} would keep up"


def _draw(forecasts: Sequence[Forecast]) -> None:
    for each in forecasts:
        if each.peak_backlog < 1:
            continue
        lines = plot([moment.backlog for moment in each.moments], seconds=len(each.moments))
        click.echo(f"\nBacklog of {each.row.consumer}")
        click.echo("\n".join(lines))


def _shown(check: Check) -> dict[str, Any]:
    needed = f"{check.needed:,.0f}" if check.needed >= 10 else f"{check.needed:,.1f}"
    limit = f"{check.quota.limit:,.0f}" + ("" if check.quota.soft else " fixed")
    over = "  TOO MUCH" if check.share > 1 else ""
    return {
        "quota": check.quota.name,
        "about": check.about,
        "needed": needed,
        "limit": limit,
        "share": f"{check.share:.0%}{over}",
    }


def _document(load: Load, forecasts: Sequence[Forecast], needed: Sequence[Check]) -> dict[str, Any]:
    return {
        "load": dataclasses.asdict(load),
        "consumers": [
            _row(each, people=False)
            | {
                "expired": round(each.expired),
                "needed_concurrency": each.needed_batches,
                "series": [dataclasses.asdict(moment) for moment in each.moments],
            }
            for each in forecasts
        ],
        "quotas": [
            {
                "quota": check.quota.name,
                "about": check.about,
                "needed": round(check.needed, 2),
                "limit": check.quota.limit,
                "share": round(check.share, 4),
                "soft": check.quota.soft,
                "source": check.quota.source,
            }
            for check in needed
        ],
    }
