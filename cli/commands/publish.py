"""`waybill publish`: one event, a file of them, or made-up ones, to the topic."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

import click

from cli.errors import CliError, UsageError
from cli.operator import Operator, changes, command
from cli.output import Column
from cli.pace import Pace
from cli.progress import Progress
from cli.publishing.documents import draft_of, read_drafts
from cli.publishing.feed import Outcome, publish
from cli.times import utc_now
from messaging.identity import new_id
from messaging.ndjson import LineError
from messaging.outgoing import Draft

if TYPE_CHECKING:
    from messaging.publisher import Publisher

SOURCE = "urn:waybill:cli"
COLUMNS = (Column("event_id", "Event"), Column("outcome", "Outcome"), Column("detail", "Why"))
# A table with more than these rows hides what matters in what went well.
MAX_TABLE_ROWS = 20
MAX_GENERATED = 1_000_000

EPILOG = """
\b
Examples:
  waybill publish "$(head -1 docs/examples/orders.ndjson)"
  waybill publish -f docs/examples/orders.ndjson
  waybill publish --generate 500 --rate 50 --poison 5 --duplicates 10
  jq -c '{type: "OrderCancelled", data: .}' orders.ndjson | waybill publish -f -

A document is an order, an event ({"type": ..., "data": ...}), or a whole message as `waybill dlq export` writes it.
Nothing is published where one of them is wrong. Of broken messages every third can be mended: its order has a currency
that nobody takes. Exit code 1: the topic did not take all of them.
"""


@click.command(epilog=EPILOG)
@click.argument("document", metavar="[JSON]", required=False)
@click.option("-f", "--file", "file", type=click.File("rb"), metavar="FILE.ndjson", help="One a line; - is stdin.")
@click.option("--generate", type=click.IntRange(1, MAX_GENERATED), metavar="N", help="Make up N orders.")
@click.option(
    "--seed", type=click.IntRange(0), help="The same seed makes the same orders. By default another each time."
)
@click.option("--rate", type=click.FloatRange(0, min_open=True), metavar="R", help="At most so many a second.")
@click.option("--duplicates", type=click.IntRange(0), default=0, metavar="N", help="Publish N of them once more.")
@click.option("--poison", type=click.IntRange(0), default=0, metavar="N", help="Broken messages, past the topic.")
@click.option("--poison-to", default="inventory", metavar="CONSUMER", show_default=True, help="To whose queue.")
@changes
@command
def run(
    operator: Operator,
    document: str | None,
    file: IO[bytes] | None,
    generate: int | None,
    seed: int | None,
    rate: float | None,
    duplicates: int,
    poison: int,
    poison_to: str,
) -> None:
    """Publish events: one, a file of them, or made-up ones."""
    seed = int(time.time()) if seed is None else seed
    drafts = _drafts(operator, document, file, generate, seed)
    if not drafts and not poison:
        raise UsageError("give one of JSON, -f FILE or --generate N (or --poison N alone)")
    if operator.target.prod:
        spoiled = f", and {poison:,} poison messages to {poison_to}" if poison else ""
        operator.confirm(f"Publish {len(drafts):,} events to {operator.target.topic_arn}{spoiled}")
    told: Counter[str] = Counter()
    name = new_id()[:12]
    total = len(drafts) + (duplicates if drafts else 0)

    def outcomes() -> Iterator[Outcome]:
        with Progress(operator.output, "published", total) as progress:
            yield from publish(
                _publisher(operator),
                drafts,
                pace=Pace(rate),
                duplicates=duplicates,
                run=name,
                seed=seed,
                advance=progress.advance,
            )

    try:
        _tell(operator, _counted(outcomes(), told))
    except KeyboardInterrupt:
        operator.output.say(f"stopped: {_summary(told)}, of {total:,}")
        raise
    refused = _send_poison(operator, poison, poison_to, name, told)
    operator.output.say(_summary(told))
    if told["failed"] or refused:
        raise CliError(f"{told['failed'] + refused:,} were refused: what was published stays published; run it again")


def _drafts(
    operator: Operator, document: str | None, file: IO[bytes] | None, generate: int | None, seed: int
) -> Sequence[Draft]:
    """The events that the options ask for. Raises UsageError for two sources, and for what is no event."""
    if sum(each is not None for each in (document, file, generate)) > 1:
        raise UsageError("JSON, -f and --generate exclude each other: give one of them")
    if document is not None:
        try:
            return [draft_of(document.encode())]
        except LineError as error:
            raise UsageError(f"that is nothing to publish: {error}") from error
    if file is not None:
        return read_drafts(file, "stdin" if file is sys.stdin.buffer else file.name)
    if generate is not None:
        from messaging.samples.orders import generate_orders

        operator.output.say(f"orders of seed {seed}")
        return [Draft(event=order) for order in generate_orders(generate, seed)]
    return []


def _publisher(operator: Operator) -> Publisher:
    from messaging.publisher import Publisher

    target = operator.target
    # Of the rows that are deployed here: what another deployment would take, nobody takes here.
    topic = dataclasses.replace(target.topic, subscriptions=target.subscriptions)
    return Publisher(target.client("sns"), topic=topic, topic_arn=target.topic_arn, source=SOURCE)


def _counted(outcomes: Iterable[Outcome], told: Counter[str]) -> Iterator[Outcome]:
    for outcome in outcomes:
        told["duplicates" if outcome.duplicate and outcome.outcome != "failed" else outcome.outcome] += 1
        yield outcome


def _tell(operator: Operator, outcomes: Iterator[Outcome]) -> None:
    """A row an event; a table of many shows only those that did not simply get through."""
    rows: Iterable[dict[str, Any]] = map(dataclasses.asdict, outcomes)
    if operator.output.for_people:
        every = [*rows]
        rows = every if len(every) <= MAX_TABLE_ROWS else [row for row in every if row["outcome"] != "published"]
        if not rows:
            return
    operator.output.rows(COLUMNS, rows)


def _send_poison(operator: Operator, count: int, consumer: str, name: str, told: Counter[str]) -> int:
    """How many the queue refused."""
    if not count:
        return 0
    from cli.publishing.poison import send_poison

    row = operator.target.subscription(consumer)
    queue_url = operator.target.physical(row, "QueueUrl")
    sqs = operator.target.client("sqs")
    taken, refused = send_poison(sqs, queue_url, count=count, run=name, fifo=row.fifo, now=utc_now())
    told[f"poison messages in the queue of {consumer}"] = taken
    return refused


def _summary(told: Counter[str]) -> str:
    counts = {"published": told["published"], **{what: count for what, count in told.items() if count}}
    return ", ".join(f"{count:,} {what}" for what, count in counts.items())
