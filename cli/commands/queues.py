"""`waybill queues`: every consumer's backlog, its age, its rates and when it will be done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from cli.errors import Unhealthy, UsageError
from cli.operator import Operator, command
from cli.output import Column, Row
from cli.times import age, utc_now

if TYPE_CHECKING:
    from cli.depths import Depth, Gauge

UNKNOWN = "unknown"
COLUMNS = (
    Column("consumer", "Consumer"),
    Column("visible", "Waiting", right=True),
    Column("in_flight", "In flight", right=True),
    Column("delayed", "Delayed", right=True),
    Column("age", "Oldest", right=True),
    Column("in", "In/s", right=True),
    Column("out", "Out/s", right=True),
    Column("drain", "Drained in", right=True),
    Column("dead", "Dead letters", right=True),
    Column("undelivered", "Undelivered", right=True),
)

EPILOG = """
Age and rates are CloudWatch's, of the last minutes. Where it has none, as on the local engine, the forecast comes from
two looks at the counts, and what they can't tell is "unknown".

\b
Examples:
  waybill queues -w
  waybill queues --fail-on-dlq -o json
"""


@click.command(epilog=EPILOG)
@click.option("-w", "--watch", is_flag=True, help="Look again and again, until Ctrl-C.")
@click.option("--every", type=click.FloatRange(min=0.5), default=2.0, show_default=True, help="Seconds between looks.")
@click.option("--fail-on-dlq", is_flag=True, help="Exit code 7 where a dead-letter queue holds something.")
@command
def run(operator: Operator, *, watch: bool, every: float, fail_on_dlq: bool) -> None:
    """Depth, age, rates and drain forecast of every queue."""
    from cli.depths import Gauge

    target, output = operator.target, operator.output
    gauge = Gauge(target.client("sqs"), target.client("cloudwatch"), target.queue_places)
    if watch:
        if fail_on_dlq or output.format == "json":
            raise UsageError("-w never ends: without --fail-on-dlq, and for programs with -o ndjson")
        _watch(operator, gauge, every)
        return
    depths = gauge.look(utc_now())
    if any(depth.total and depth.change is None for depth in depths):
        time.sleep(every)
        depths = gauge.look(utc_now())
    output.rows(COLUMNS, map(_row, depths))
    parked = [depth for depth in depths if depth.dead + depth.undelivered]
    if fail_on_dlq and parked:
        raise Unhealthy(
            "dead letters: "
            + ", ".join(f"{each.dead + each.undelivered} of {each.consumer}" for each in parked)
            + ". See: waybill dlq list CONSUMER"
        )


def _watch(operator: Operator, gauge: Gauge, every: float) -> None:
    output = operator.output
    if not output.for_people:
        output.rows((Column("at", "At"), *COLUMNS), _endlessly(gauge, every))
    from rich.live import Live

    from cli.table import rendered

    console = output.console()
    width = console.width - len("^C")  # which a terminal writes behind the last line
    with Live(console=console, auto_refresh=False, transient=False) as live:
        while True:
            now = utc_now()
            rows = [*map(_row, gauge.look(now))]
            at = f"{now.astimezone():%H:%M:%S}"
            live.update(rendered(COLUMNS, rows, width, title=at, style=_style), refresh=True)
            time.sleep(every)


def _endlessly(gauge: Gauge, every: float) -> Iterator[dict[str, Any]]:
    while True:
        now = utc_now()
        for depth in gauge.look(now):
            yield {"at": now.isoformat(timespec="milliseconds"), **_row(depth)}
        time.sleep(every)


def _style(row: Row) -> str:
    return "red" if row["dead"] + row["undelivered"] else "yellow" if row["forecast"] == "growing" else ""


def _row(depth: Depth) -> dict[str, Any]:
    """For people in words; for programs the numbers too, null where they are not known."""
    seconds = depth.drained_in_seconds
    return {
        "consumer": depth.consumer,
        "visible": depth.visible,
        "in_flight": depth.in_flight,
        "delayed": depth.delayed,
        "age": _known(depth.age_seconds, age) if depth.total else "empty",
        "in": _known(depth.rate_in, _rate),
        "out": _known(depth.rate_out, _rate),
        "drain": age(seconds) if seconds else depth.forecast,
        "dead": depth.dead,
        "undelivered": depth.undelivered,
        "age_seconds": depth.age_seconds,
        "in_per_second": depth.rate_in,
        "out_per_second": depth.rate_out,
        "change_per_second": depth.change,
        "drained_in_seconds": seconds,
        "forecast": depth.forecast,
    }


def _known(value: float | None, words: Any) -> str:
    return UNKNOWN if value is None else str(words(value))


def _rate(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"
