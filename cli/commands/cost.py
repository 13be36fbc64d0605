"""`waybill cost`: the monthly bill by service, and what would change it. Asks nothing of AWS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from cli.costs.bill import Bill, changes
from cli.costs.effects import DESIGNS, Design
from cli.costs.formula import AS_OF, REGION, Operations
from cli.costs.traffic import Traffic
from cli.operator import Operator, command
from cli.output import Column

COLUMNS = (
    Column("service", "Service"),
    Column("item", "For"),
    Column("quantity", "A month", right=True),
    Column("unit", "Unit"),
    Column("usd", "USD", right=True),
    Column("share", "Share", right=True),
)
CHANGES = (Column("what", "What would change it"), Column("usd", "USD a month", right=True))

EPILOG = f"""
\b
Examples:
  waybill cost --orders-per-day 100000
  waybill cost --orders-per-day 100000 --design powertools --batch-fill 10
  waybill cost --orders-per-day 5e6 -o json | jq .usd

Prices of {REGION} as of {AS_OF}, before tax, with no free tier unless asked for. The formula is over the topology of
this checkout; retries, dead letters, the topic's archive (which prod has) and the data that your own effects keep are
not in it.
"""


@click.command(epilog=EPILOG)
@click.option("--orders-per-day", type=click.FloatRange(0, 1e9), required=True, metavar="N")
@click.option("--design", type=click.Choice(DESIGNS), default="waybill", show_default=True)
@click.option("--batch-fill", type=click.FloatRange(1, 10), metavar="N", help="Records a batch; by default, by rate.")
@click.option("--publish-fill", type=click.FloatRange(1, 10), default=1, metavar="N", help="Events a publish request.")
@click.option("--cancelled", type=click.FloatRange(0, 1), default=0.05, metavar="SHARE", help="Of the orders.")
@click.option("--log-level", type=click.Choice(["INFO", "DEBUG"]), default="INFO", show_default=True)
@click.option("--tracing/--no-tracing", default=True, show_default=True)
@click.option("--free-tier", is_flag=True, help="Less what is free every month.")
@command
def run(
    operator: Operator,
    orders_per_day: float,
    design: Design,
    batch_fill: float | None,
    publish_fill: float,
    cancelled: float,
    log_level: str,
    tracing: bool,
    free_tier: bool,
) -> None:
    """The monthly bill by service, and what would change it."""
    bill = Bill(
        topic=operator.target.topic,
        traffic=Traffic(
            orders_per_day=orders_per_day,
            cancelled_share=cancelled,
            batch_fill=batch_fill,
            publish_fill=publish_fill,
        ),
        design=design,
        operations=Operations(debug=log_level == "DEBUG", tracing=tracing),
        free_tier=free_tier,
    )
    if operator.output.format == "json":
        operator.output.document(_document(bill), "")
        return
    if not operator.output.for_people:
        operator.output.rows(COLUMNS, _lines(bill))
        return
    operator.output.rows(COLUMNS, [*_shown(_lines(bill)), {"service": "all of it", "usd": f"{bill.usd:,.2f}"}])
    operator.output.rows(CHANGES, [{"what": each.what, "usd": f"{each.usd:+,.2f}"} for each in changes(bill)], title="")
    operator.output.say(f"{design}, {orders_per_day:,.0f} orders a day; prices of {REGION} as of {AS_OF}")


def _lines(bill: Bill) -> Iterator[dict[str, Any]]:
    total = bill.usd or 1.0
    for line in bill.lines:
        yield {
            "service": line.price.service,
            "item": line.price.item,
            "quantity": round(line.quantity, 3),
            "unit": line.price.unit,
            "usd": round(line.usd, 4),
            "share": round(line.usd / total, 4),
            "price_usd": line.price.usd,
            "price_per": line.price.per,
            "source": line.price.source,
        }


def _shown(lines: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for line in lines:
        quantity = line["quantity"]
        yield line | {
            "quantity": f"{quantity:,.0f}" if quantity >= 100 else f"{quantity:,.2f}",
            "usd": f"{line['usd']:,.2f}",
            "share": f"{line['share']:.0%}",
        }


def _document(bill: Bill) -> dict[str, Any]:
    return {
        "design": bill.design,
        "orders_per_day": bill.traffic.orders_per_day,
        "region": REGION,
        "prices_as_of": AS_OF,
        "free_tier": bill.free_tier,
        "usd": round(bill.usd, 2),
        "lines": [*_lines(bill)],
        "changes": [{"what": each.what, "usd": round(each.usd, 2)} for each in changes(bill)],
    }
