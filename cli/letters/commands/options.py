"""What the commands of `waybill dlq` ask for: a queue, and which of its letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from cli.errors import UsageError
from cli.operator import Operator

if TYPE_CHECKING:
    from cli.letters.desk import Desk
    from cli.letters.selection import Selection

MATCH_HELP = "FIELD=VALUE, FIELD~REGEX (such as reason=poison, data.ship_to.country=USA), or a text in body or error."
# Of those that send: how fast, and how many go first.
RATE = click.option(
    "--rate", type=click.FloatRange(0.1, 10_000), default=50.0, show_default=True, help="Letters a second."
)
CANARY = click.option(
    "--canary", type=click.IntRange(min=0), default=0, help="So many first; the rest when those are applied."
)


def selects(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which letters are meant."""
    for option in (
        click.option("--match", help=MATCH_HELP),
        click.option("--reason", help="Those that are dead for this reason, such as poison."),
        click.option("--id", "ids", multiple=True, help="An event's or a letter's id; may be given more than once."),
    ):
        function = option(function)
    return function


def selection_of(
    *,
    ids: tuple[str, ...],
    reason: str | None,
    match: str | None,
    dead_before: datetime | None = None,
    everything: bool = False,
    needed: bool = False,
) -> Selection:
    """The letters that the options mean; `needed`: they must say so. Raises UsageError."""
    from cli.letters.selection import Selection, matcher

    if match is not None:
        matcher(match)  # a wrong expression is told of before anything is looked at
    selection = Selection(ids=ids, reason=reason, match=match, dead_before=dead_before)
    if needed and everything == (selection != Selection()):
        raise UsageError("say which letters are meant, by --id, --reason or --match, or --all of them (not both)")
    return selection


@contextmanager
def at_desk(operator: Operator, name: str) -> Iterator[Desk]:
    """What a command works with; Ctrl-C lets it finish its batch."""
    from cli.letters import queue
    from cli.letters.desk import Desk
    from cli.letters.interruption import stopping
    from cli.letters.proofs import Proofs
    from messaging.tables import INBOX

    found = queue.find(operator.target, name)
    tables = {table: operator.target.table(table) for table in (INBOX.name, *found.row.writes)}
    with stopping() as stopped:
        yield Desk(
            queue=found,
            sqs=operator.target.client("sqs"),
            proofs=Proofs(operator.target.client("dynamodb"), tables=tables, row=found.row),
            stopped=stopped,
            say=operator.output.say,
        )
