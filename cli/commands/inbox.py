"""`waybill inbox`: the marker that says that a consumer has applied an event; to look at, or to forget."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from cli.errors import NotFound
from cli.masking import masks, shown_item
from cli.operator import Operator, changes, command

EPILOG = """
\b
Examples:
  waybill inbox get OrderPlaced-10248 inventory
  waybill inbox forget OrderPlaced-10248 inventory
"""


@click.group(epilog=EPILOG)
def run() -> None:
    """Markers: which events a consumer has applied."""


@run.command(short_help="Look at one.", epilog="Example:  waybill inbox get OrderPlaced-10248 inventory -o json")
@click.argument("event_id")
@click.argument("consumer")
@masks
@command
def get(operator: Operator, event_id: str, consumer: str, reveal: bool, hidden: tuple[str, ...]) -> None:
    """The marker of EVENT_ID at CONSUMER, and its last failure where there is one."""
    known = _find(operator, event_id, consumer)
    if known.marker is None and known.failure is None:
        raise NotFound(
            f"{consumer} has no marker of {event_id}: it was not applied here. See: waybill why {event_id} {consumer}"
        )
    if known.marker is not None:  # which may be an item of the effect
        known = replace(known, marker=shown_item(known.marker, () if reveal else hidden))
    document = {"event_id": event_id, "consumer": consumer, "marker": known.marker, "failure": known.failure}
    operator.output.document(document, "\n".join(_lines(known)))


@run.command(
    short_help="Have the event applied once more when it comes again.",
    epilog="Example:  waybill inbox forget OrderPlaced-10248 inventory",
)
@click.argument("event_id")
@click.argument("consumer")
@changes
@command
def forget(operator: Operator, event_id: str, consumer: str) -> None:
    """Forget that CONSUMER has applied EVENT_ID: if it comes again, by a redrive, a replay or its producer, it is
    applied once more. What it did the first time stays."""
    from cli.markers import forget as delete

    known = _find(operator, event_id, consumer)
    if known.marker is not None and not known.is_effect:
        holder = "a worker may be at it just now. " if known.claimed else ""
        operator.confirm(
            f"{holder}If {event_id} comes again, {consumer} applies it once more, beside what it did "
            f"{f'at {known.applied_at}' if known.applied_at else 'the first time'}"
        )
    target = operator.target
    delete(target.client("dynamodb"), target.tables, known)
    operator.output.say(f"{consumer} has forgotten {event_id}; to have it come again: waybill replay")


def _find(operator: Operator, event_id: str, consumer: str) -> Any:
    from cli.markers import find

    target = operator.target
    (known,) = find(target.client("dynamodb"), target.tables, [target.subscription(consumer)], [event_id])
    return known


def _lines(known: Any) -> list[str]:
    lines = []
    if known.marker is not None:
        state = "applied" if known.applied else "claimed, and not completed"
        lines.append(f"{known.consumer} has {known.event_id}: {state}")
        lines += [f"  {name:17} {value}" for name, value in sorted(known.marker.items())]
        if known.expires_at is not None:
            lines.append(f"  it is kept until  {known.expires_at:%Y-%m-%d %H:%M} UTC")
    if known.failure is not None:
        lines.append("its last failure" + (", before it was applied" if known.applied else ""))
        lines += [f"  {name:17} {value}" for name, value in sorted(known.failure.items())]
    return lines
