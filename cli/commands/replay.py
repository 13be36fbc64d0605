"""`waybill replay`: old events to one consumer again, through its inbox, which lets nothing be applied twice."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

import click

from cli.errors import Cancelled, PartlyDone, UsageError
from cli.operator import Operator, changes, command
from cli.output import Column
from cli.pace import Pace
from cli.progress import Progress
from cli.times import instant, utc_now
from messaging.identity import new_id
from messaging.subscription import Subscription
from messaging.tables import INBOX, OUTBOX

if TYPE_CHECKING:
    from cli.replaying.plan import Step
    from cli.replaying.sources import OldEvent

COLUMNS = (
    Column("event_id", "Event"),
    Column("time", "Published"),
    Column("outcome", "Outcome"),
    Column("why", "Why"),
)
DEFAULT_RATE = 100.0

EPILOG = """
\b
Examples:
  waybill replay --since 2h --consumer analytics -n
  waybill replay -f letters.ndjson --consumer inventory --match data.priority=high
  waybill replay --since 3d --consumer analytics -f events.ndjson --force

Without -f, events come from the topic's archive: SNS delivers all that the consumer's filter takes since then, and no
choice among them can be made. Events go to this one consumer only, and through its inbox: what was applied is left out,
or recognized. Exit code 6: some were refused; the same again sends the rest.

--force has the effects of events that were applied before now applied AGAIN, once each: for a table of results that was
emptied, say. It forgets their markers, each right before its event is sent. What the consumer did the first time stays.
After an interruption, go on with the --forget-before that is said then, or what was applied again would be so once
more. Items that are their own proof (the order log's) can't be forgotten, and are left out.
"""


@click.command(epilog=EPILOG)
@click.option("--since", metavar="T", help="Published since then (2h, 3d, 2026-11-23T14:30:00Z). Needed without -f.")
@click.option("--until", metavar="T", help="Published before then.")
@click.option("--consumer", required=True, metavar="CONSUMER", help="Who gets them; nobody else does.")
@click.option("--type", "type_", metavar="T", help="Events of this type.")
@click.option("--match", metavar="EXPR", help="FIELD=VALUE, FIELD~REGEX or a text, as in `waybill dlq`.")
@click.option(
    "-f", "--file", type=click.File("rb"), metavar="FILE.ndjson", help="Messages or dead letters; - is stdin."
)
@click.option("--from", "source", type=click.Choice(["archive", "outbox"]), help="By default the topic's archive.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), metavar="R", help="A second; by default 100.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@click.option("--force", is_flag=True, help="Have what was applied applied again; see below.")
@click.option("--forget-before", metavar="T", help="With --force: what was applied before then; by default before now.")
@click.option("--no-wait", is_flag=True, help="Leave SNS alone with a replay of its archive.")
@changes
@command
def run(
    operator: Operator,
    since: str | None,
    until: str | None,
    consumer: str,
    type_: str | None,
    match: str | None,
    file: IO[bytes] | None,
    source: str | None,
    rate: float | None,
    dry_run: bool,
    force: bool,
    forget_before: str | None,
    no_wait: bool,
) -> None:
    """Old events to one consumer again."""
    if file is not None and source is not None:
        raise UsageError("-f and --from exclude each other: events come from one place")
    if since is None and file is None:
        raise UsageError("--since is needed: say from when on events are to come again (2h, 3d, 2026-11-23T14:30:00Z)")
    if forget_before is not None and not force:
        raise UsageError("--forget-before says what --force forgets: it means nothing without that")
    now = utc_now()
    begins = None if since is None else instant(since, now)
    row = operator.target.subscription(consumer)
    if file is None and source != "outbox":
        given = {"--until": until, "--type": type_, "--match": match, "--rate": rate, "--force": force or None}
        _from_archive(operator, row, begins or now, [name for name, value in given.items() if value], dry_run, no_wait)
        return
    from cli.replaying.plan import Choice, plan

    before = (instant(forget_before, now) if forget_before is not None else now) if force else None
    steps = plan(
        _events(operator, file),
        row,
        choice=Choice(since=begins, until=None if until is None else instant(until, now), type=type_, match=match),
        dynamodb=operator.target.client("dynamodb"),
        tables=operator.target.tables,
        now=now,
        forget_before=before,
    )
    _say_plan(operator, row, steps)
    if dry_run:
        operator.output.rows(COLUMNS, (_row(step, "would be sent" if step.sends else "left out") for step in steps))
        return
    _replay(operator, row, steps, before, rate or DEFAULT_RATE)


def _events(operator: Operator, file: IO[bytes] | None) -> Iterable[OldEvent]:
    from cli.replaying.sources import in_file, in_outbox

    if file is not None:
        return in_file(file, "stdin" if file is sys.stdin.buffer else file.name)
    target = operator.target
    return in_outbox(target.client("dynamodb"), target.table(OUTBOX.name), refuse=operator.output.say)


def _say_plan(operator: Operator, row: Subscription, steps: Sequence[Step]) -> None:
    why = Counter(step.why.partition(":")[0].partition(", at")[0] for step in steps if not step.sends)
    left = "".join(f"; {count:,} left out ({reason})" for reason, count in why.most_common())
    operator.output.say(f"to {row.consumer}: {sum(step.sends for step in steps):,} of {len(steps):,} events{left}")


def _replay(operator: Operator, row: Subscription, steps: Sequence[Step], before: datetime | None, rate: float) -> None:
    from cli.letters.interruption import stopping
    from cli.replaying.sending import Replay

    going = [step for step in steps if step.sends]
    forgotten = sum(step.forgets is not None for step in going)
    if going:
        again = f"; the effects of {forgotten:,} of them are applied AGAIN" if forgotten else ""
        operator.confirm(f"Send {len(going):,} events to {row.consumer} at {rate:g} a second{again}")
    target = operator.target
    told: Counter[str] = Counter()
    with stopping() as stopped:
        replay = Replay(
            sqs=target.client("sqs"),
            dynamodb=target.client("dynamodb"),
            queue_url=target.physical(row, "QueueUrl"),
            inbox=target.table(INBOX.name),
            row=row,
            run=new_id()[:12],
            pace=Pace(rate),
            stopped=stopped,
        )

        def rows() -> Iterator[dict[str, Any]]:
            yield from (_row(step, "left out") for step in steps if not step.sends)
            with Progress(operator.output, "sent", len(going)) as progress:
                for sending in replay.send(going):
                    told[sending.outcome] += 1
                    progress.advance(1)
                    yield _row(sending.step, sending.outcome, sending.why)

        operator.output.rows(COLUMNS, rows())
    operator.output.say(f"{told['sent']:,} sent to {row.consumer}")
    resume = "" if before is None else f" --forget-before {before.astimezone(UTC).isoformat(timespec='milliseconds')}"
    if told.total() < len(going):
        raise Cancelled(f"stopped with {len(going) - told.total():,} not sent; to go on, the same again{resume}")
    if told["refused"]:
        raise PartlyDone(f"{told['refused']:,} were refused: the same again{resume} sends them")


def _row(step: Step, outcome: str, why: str = "") -> dict[str, Any]:
    message = step.old.message
    return {
        "event_id": message.id,
        "type": message.event.type,
        "group": message.partition_key,
        "time": message.time.astimezone(UTC).isoformat(timespec="seconds"),
        "outcome": outcome,
        "why": why or step.why or ("its marker is forgotten first" if step.forgets is not None else ""),
    }


def _from_archive(
    operator: Operator, row: Subscription, since: datetime, given: Sequence[str], dry_run: bool, no_wait: bool
) -> None:
    """Have SNS do it. What it can't do is refused rather than ignored."""
    from cli.replaying import archive

    if given:
        raise UsageError(
            f"{', '.join(given)}: SNS replays all that {row.consumer}'s filter takes, from --since until now, as fast "
            "as it can (with an end it would stop the subscription there for good). To choose, replay a file with -f"
        )
    target = operator.target
    sns = target.client("sns")
    begins = archive.begins_at(sns, target.topic_arn)
    if begins is not None and since < begins:
        raise UsageError(f"the archive begins at {begins:%Y-%m-%dT%H:%M:%SZ}: --since may not be before that")
    url = target.physical(row, "QueueUrl")
    attributes = target.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    arn = archive.subscription_arn(sns, target.topic_arn, attributes["QueueArn"])
    what = f"SNS delivers to {row.consumer} again what its filter takes, published since {since:%Y-%m-%dT%H:%M:%SZ}"
    operator.output.say(f"{what}; its inbox recognizes what was applied; new events may wait until it is done")
    if dry_run:
        return
    operator.confirm(what)
    archive.start(sns, arn, since)
    if no_wait:
        return
    status = ""
    for status in archive.follow(sns, arn):
        operator.output.say(f"SNS: {status or 'says nothing of its progress'}")
    operator.output.document({"consumer": row.consumer, "since": since.isoformat(), "status": status}, status)
