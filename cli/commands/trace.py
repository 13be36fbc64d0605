"""`waybill trace`: one order's journey through queues and consumers."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cli.errors import NotFound
from cli.operator import Operator, command
from cli.output import Column
from cli.times import instant, utc_now

if TYPE_CHECKING:
    from cli.journey import Step

COLUMNS = (
    Column("at", "At"),
    Column("event_id", "Event"),
    Column("where", "Where", key=True),
    Column("what", "What", key=True),
    Column("detail", "Detail"),
)

EPILOG = """
\b
Examples:
  waybill trace 10248                    an order: all of its events
  waybill trace OrderPlaced-10248        an event, and what it caused
  waybill trace checkout-77 --since 7d   a correlation
"""


@click.command(epilog=EPILOG)
@click.argument("id_", metavar="EVENT_ID|ORDER_ID|CORRELATION_ID")
@click.option("--since", default="1d", show_default=True, help="How far back to look in the logs.")
@command
def run(operator: Operator, id_: str, *, since: str) -> None:
    """One order's journey: published, attempts, outcomes, e-mails, from logs, markers, failure records and outbox."""
    from cli import facts, journey, logs, markers
    from cli.explanation import surely_fails
    from messaging.filter_explanation import explain

    target = operator.target
    began, client = instant(since, utc_now()), target.client("logs")
    dynamodb = target.client("dynamodb")
    found = journey.gather(
        id_,
        lambda text: logs.read(client, target.log_groups, began, containing=text),
        [*facts.in_outbox(dynamodb, target.table("outbox"))],
    )
    rows = {row.consumer: row for row in target.subscriptions}
    known = markers.find(dynamodb, target.tables, rows.values(), found.event_ids)
    steps = journey.steps(found, known, rows)
    if not steps:
        raise NotFound(
            f"nobody here has seen {id_}: no line of a log since {began:%Y-%m-%d %H:%M} UTC, no marker, nothing in the "
            "outbox; look further back with --since"
        )
    people = operator.output.for_people
    operator.output.rows(COLUMNS, (_row(step, people=people) for step in steps))
    for event_id, consumer in journey.untouched(found.event_ids, known, steps):
        seen = facts.from_traces(event_id, found.lines, known)
        if seen is None or not surely_fails(explain(rows[consumer].filter_policy, attributes=seen.attributes)):
            operator.output.say(f"no trace of {event_id} at {consumer}: waybill why {event_id} {consumer}")


def _row(step: Step, *, people: bool) -> dict[str, Any]:
    """For people in UTC, to the second."""
    row = asdict(step)
    return row | {"at": step.at[:19].replace("T", " ")} if people else row
