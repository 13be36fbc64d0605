"""`waybill reconcile`: what was published against what each subscription applied or buried."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import IO, TYPE_CHECKING, Any

import click

from cli.errors import Unhealthy
from cli.operator import Operator, command
from cli.output import Column
from cli.progress import Progress
from cli.times import duration_seconds, instant, utc_now
from messaging.tables import INBOX, OUTBOX

if TYPE_CHECKING:
    from cli.reconciliation.balance import Balance
    from cli.reconciliation.publications import Publication

COUNTS = ("applied", "dead", "waiting", "unsettled", "missing", "unknown")
COLUMNS = (
    Column("consumer", "Consumer"),
    Column("expected", "Expected", right=True),
    *(Column(name, name.capitalize(), right=True) for name in COUNTS),
    Column("note", "Note"),
)
IDS = tuple(f"{name}_ids" for name in ("dead", "waiting", "unsettled", "missing", "unknown"))
MISSING = (Column("consumer", "Consumer"), Column("event_id", "Missing"))
MAX_TOLD = 50

EPILOG = """
\b
Examples:
  waybill reconcile --since 1h
  waybill publish -f orders.ndjson -o ndjson > published.ndjson; waybill reconcile --since 10m -f published.ndjson
  waybill reconcile --since 1d -o json | jq '.[] | {consumer, missing_ids}'

What was published is what any consumer has seen since then (markers and failure records; with --logs, log lines), what
is in the outbox, and what -f names: messages, dead letters, lines of `waybill publish -o ndjson`, or event ids. Without
-f, an event that nobody has seen is not known, and so not missed. The topic's archive can't be read, only replayed.

An event known by its id alone is `unknown` where a subscription's filter asks for more than its type. `unsettled`: it
may be among messages that are in the consumer's queues. Reads the whole inbox. Exit code 7: something is missing.
"""


@click.command(epilog=EPILOG)
@click.option("--since", required=True, metavar="T", help="2h, 3d, or 2026-11-23T14:30:00Z.")
@click.option("-f", "--file", type=click.File("rb"), metavar="FILE.ndjson", help="What was published; - is stdin.")
@click.option("--consumer", metavar="CONSUMER", help="This one only.")
@click.option("--grace", default="1m", show_default=True, metavar="D", help="What is younger is not missed yet.")
@click.option("--logs", is_flag=True, help="Events of the functions' logs, too.")
@command
def run(operator: Operator, since: str, file: IO[bytes] | None, consumer: str | None, grace: str, logs: bool) -> None:
    """What was published against what each subscription applied or buried."""
    from cli.depths import count
    from cli.reconciliation.balance import balances

    now = utc_now()
    begins, patience = instant(since, now), timedelta(seconds=duration_seconds(grace))
    target = operator.target
    rows = [target.subscription(consumer)] if consumer is not None else [*target.subscriptions]
    _warn_of_age(operator, begins, now)
    unreadable: Counter[str] = Counter()
    publications = _publications(operator, begins, file, logs, unreadable)
    names = {row.consumer for row in rows}
    places = [place for place in target.queue_places if place.consumer in names]
    found = balances(
        publications,
        rows,
        count(target.client("sqs"), places),
        dynamodb=target.client("dynamodb"),
        tables=target.tables,
        now=now,
        grace=patience,
        unreadable=unreadable,
    )
    _tell(operator, found)
    operator.output.say(f"{len(publications):,} events since {begins:%Y-%m-%dT%H:%M:%SZ}" + ("" if file else _UNSEEN))
    missing = [(each.consumer, event_id) for each in found for event_id in each.missing]
    if missing:
        at, event_id = missing[0]
        raise Unhealthy(
            f"{len(missing):,} are missing; why: waybill why {event_id} {at}; "
            f"again: waybill replay --consumer {at} --since {begins:%Y-%m-%dT%H:%M:%SZ}"
        )


_UNSEEN = "; what nobody has seen is not among them: name it with -f"


def _warn_of_age(operator: Operator, begins: datetime, now: datetime) -> None:
    for row in operator.target.subscriptions:
        if (now - begins).total_seconds() > row.marker_lifetime_seconds:
            operator.output.say(
                f"markers of {row.consumer} are kept {row.marker_lifetime_seconds / 86_400:g} days: what it applied "
                "before may look missing"
            )


def _publications(
    operator: Operator, begins: datetime, file: IO[bytes] | None, logs: bool, unreadable: Counter[str]
) -> Sequence[Publication]:
    from cli.reconciliation.publications import Publication, in_file, seen_by, together
    from cli.reconciliation.sightings import sightings
    from cli.replaying.sources import in_outbox

    target = operator.target
    dynamodb = target.client("dynamodb")
    by_name = {row.consumer: row for row in target.subscriptions}
    known: list[Publication] = []
    if file is not None:
        given = in_file(file, "stdin" if file is sys.stdin.buffer else file.name)
        known += (each for each in given if each.at is None or each.at >= begins)
    outbox = in_outbox(dynamodb, target.table(OUTBOX.name), refuse=operator.output.say)
    known += (Publication.of_message(old, in_outbox=True) for old in outbox)
    # As DynamoDB counted some hours ago: good enough for a forecast.
    items = dynamodb.describe_table(TableName=target.table(INBOX.name))["Table"].get("ItemCount", 0)
    with Progress(operator.output, "items of the inbox read", items) as progress:
        for each in sightings(dynamodb, target.tables, target.subscriptions, begins, advance=progress.advance):
            if each.event_id is None:
                unreadable[each.consumer] += 1
            else:
                known.append(seen_by(by_name[each.consumer], each.event_id, each.at))
    if logs:
        from cli.logs import read

        groups = {row.consumer: target.physical(row, "LogGroupName") for row in target.subscriptions}
        known += (
            seen_by(by_name[line.consumer], line.event_id, line.at)
            for line in read(target.client("logs"), groups, begins)
            if line.event_id is not None
        )
    return together(known)


def _tell(operator: Operator, found: Sequence[Balance]) -> None:
    rows = [_row(each) for each in found]
    if not operator.output.for_people:
        operator.output.rows((*COLUMNS, *(Column(name, name) for name in IDS)), rows)
        return
    operator.output.rows(COLUMNS, rows)
    missing = [{"consumer": row["consumer"], "event_id": event_id} for row in rows for event_id in row["missing_ids"]]
    if missing:
        operator.output.rows(MISSING, missing[:MAX_TOLD], title="")
    if len(missing) > MAX_TOLD:
        operator.output.say(f"and {len(missing) - MAX_TOLD:,} more: -o json has all of them")


def _row(balance: Balance) -> dict[str, Any]:
    counts = {name: len(getattr(balance, name)) for name in COUNTS}
    ids = {name: getattr(balance, name.removesuffix("_ids")) for name in IDS}
    return {"consumer": balance.consumer, "expected": balance.expected, **counts, "note": balance.note, **ids}
