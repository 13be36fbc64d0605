"""`waybill why`: why an event is dead at a consumer, or why it never arrived there."""

from __future__ import annotations

from typing import Any

import click

from cli.errors import NotFound
from cli.operator import Operator, command
from cli.times import instant, utc_now

EPILOG = """
\b
Examples:
  waybill why OrderPlaced-10248 inventory
  waybill why OrderPlaced-10248 priority_orders --event '{"type": "OrderPlaced", "priority": "standard"}'
"""


@click.command(epilog=EPILOG)
@click.argument("event_id")
@click.argument("consumer")
@click.option("--since", default="3d", show_default=True, help="How far back to look in the log.")
@click.option(
    "--event",
    help="The event, where nobody here knows it: a message, or its attributes, as JSON or the path of a file.",
)
@command
def run(operator: Operator, event_id: str, consumer: str, *, since: str, event: str | None) -> None:
    """Why EVENT_ID is dead at CONSUMER, or why it never arrived there."""
    from cli.explanation import judge

    evidence = _gather(operator, event_id, consumer, since, event)
    verdict = judge(evidence)
    operator.output.document(_document(evidence, verdict), verdict.text, prose=True)
    if verdict.state == "unknown":
        raise NotFound(f"no trace of {event_id} at {consumer}")


def _gather(operator: Operator, event_id: str, consumer: str, since: str, event: str | None) -> Any:
    from cli import depths, facts, logs, mappings, markers, subscriptions
    from cli.explanation import Evidence

    target = operator.target
    row = target.subscription(consumer)
    given = facts.from_text(event) if event is not None else None
    everywhere = markers.find(target.client("dynamodb"), target.tables, target.subscriptions, [event_id])
    (known,) = [each for each in everywhere if each.consumer == consumer]
    lines = logs.read(
        target.client("logs"),
        {consumer: target.log_groups[consumer]},
        instant(since, utc_now()),
        containing=event_id,
    )
    waiting = [] if known.applied else [*facts.in_outbox(target.client("dynamodb"), target.table("outbox"))]
    outgoing = next((message for _, message in waiting if message.event_id == event_id), None)
    sqs, queue_url = target.client("sqs"), target.physical(row, "QueueUrl")
    arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    deployed = subscriptions.deployed(target.client("sns"), target.topic_arn)
    (depth,) = depths.count(sqs, [each for each in target.queue_places if each.consumer == consumer])
    return Evidence(
        known=known,
        lines=lines,
        subscription=next((each for each in deployed if each.endpoint == arn), None),
        facts=given
        or (facts.from_message(outgoing) if outgoing is not None else facts.from_traces(event_id, lines, everywhere)),
        mapping=mappings.describe(target.client("lambda"), target.physical(row, "EventSourceMappingId")),
        depth=depth,
        in_outbox=outgoing is not None,
        letter=None if known.applied or known.dead else _letter(operator, row, depth, event_id),
    )


def _letter(operator: Operator, row: Any, depth: Any, event_id: str) -> Any:
    """Its dead letter, which a record of its failure would have saved us to look for."""
    from cli.letters.commands.options import at_desk
    from cli.letters.reading import read

    names = [row.consumer] * bool(depth.dead) + [f"{row.consumer}/topic"] * bool(depth.undelivered)
    for name in names:
        with at_desk(operator, name) as desk:
            found = read(desk).newest(event_id)
        if found is not None:
            return found
    return None


def _reason(evidence: Any) -> Any:
    return evidence.letter.reason if evidence.letter is not None else evidence.known.failure.get("reason")


def _document(evidence: Any, verdict: Any) -> dict[str, Any]:
    policy = evidence.subscription.policy if evidence.subscription is not None else None
    return {
        "event_id": evidence.known.event_id,
        "consumer": evidence.known.consumer,
        "state": verdict.state,
        "because": verdict.because,
        "details": list(verdict.details),
        "mend": verdict.mend,
        "reason": _reason(evidence) if verdict.state == "dead" else None,
        "letter": None if evidence.letter is None else evidence.letter.id,
        "filter_policy": policy,
        "filter_matches": None if verdict.filter is None else verdict.filter.matches,
        "marker": evidence.known.marker,
        "failure": evidence.known.failure,
        "lines": [line.row for line in evidence.lines],
    }
