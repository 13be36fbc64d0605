"""`waybill dlq list`, `show` and `export`: letters that stay where they are."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cli.letters.commands.options import at_desk, selection_of, selects
from cli.letters.commands.telling import read_queue
from cli.masking import masks
from cli.operator import Operator, command
from cli.output import Column
from cli.times import age, utc_now

_SINCE = Column("dead_since", "Dead since")
LIST = (
    Column("id", "Event or letter"),
    Column("type", "Type"),
    Column("group", "Group"),
    Column("reason", "Reason"),
    Column("detail", "Error"),
    _SINCE,
    Column("receives", "Receives", right=True),
    Column("redrives", "Redrives", right=True),
)
LIST_FOR_PEOPLE = tuple(Column("dead_for", "Dead for") if column is _SINCE else column for column in LIST)


@click.command(
    "list",
    short_help="What is dead, why and since when.",
    epilog="Example:  waybill dlq list inventory --reason poison -o json",
)
@click.argument("queue")
@selects
@command
def list_(operator: Operator, queue: str, **selected: Any) -> None:
    """The letters of QUEUE: what, why and since when.

    A FIFO queue shows at most ten letters of each group; what the failure records tell of the rest comes last.
    """
    from cli.letters import listing

    selection = selection_of(**selected)
    with at_desk(operator, queue) as desk:
        reading = read_queue(operator, desk)
        rows = listing.rows(desk, selection, reading)
        if not operator.output.for_people:
            operator.output.rows(LIST, rows)
            return
        found = [row | {"dead_for": _dead_for(row["dead_since"])} for row in rows]
        if found:
            operator.output.rows(LIST_FOR_PEOPLE, found)
        there = len(reading.letters) + reading.behind + reading.elsewhere
        operator.output.say(f"{len(found)} of {there} letters of {queue}" if there else f"no letter in {queue}")


def _dead_for(since: Any) -> str | None:
    try:
        return age((utc_now() - datetime.fromisoformat(since)).total_seconds())
    except (TypeError, ValueError):
        return None  # a failure record of other code, without a time or with one that is none


@click.command(
    "show",
    short_help="Everything about one letter.",
    epilog="Example:  waybill dlq show inventory OrderPlaced-10248 --reveal",
)
@click.argument("queue")
@click.argument("letter")
@masks
@command
def show(operator: Operator, queue: str, letter: str, reveal: bool, hidden: tuple[str, ...]) -> None:
    """Everything about one LETTER of QUEUE, by its own id or its event's."""
    from cli.letters import listing

    with at_desk(operator, queue) as desk:
        shown = listing.document(listing.find(desk, letter), () if reveal else hidden)
    operator.output.document(shown, listing.text(shown))


@click.command(
    "export",
    short_help="Write letters to a file; they stay in the queue.",
    epilog="Example:  waybill dlq export inventory letters.ndjson --match reason=poison",
)
@click.argument("queue")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@selects
@command
def export(operator: Operator, queue: str, file: Path, **selected: Any) -> None:
    """Write the letters of QUEUE to FILE, one a line, whole and unmasked; `-` is stdout. They stay in the queue."""
    from cli.letters import files

    selection = selection_of(**selected)
    with at_desk(operator, queue) as desk:
        letters = [letter for letter in read_queue(operator, desk).letters if selection.takes(letter)]
    if str(file) == "-":
        for letter in letters:
            click.echo(files.line(letter))
    else:
        files.export(file, letters)
    operator.output.say(f"{len(letters)} letters of {queue} are in {file}")
