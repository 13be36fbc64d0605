"""`waybill tail`: what consumers and the relay log, since then, and with -f as it comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import click

from cli.errors import NotFound, UsageError
from cli.logs import Follower, Line, Wanted, read
from cli.operator import Operator, command
from cli.output import Column
from cli.times import instant, utc_now

OUTCOMES = ("failed", "applied", "duplicate", "dead_lettered", "retry", "held_back")
COLUMNS = tuple(
    Column(name, name.capitalize())
    for name in ("at", "consumer", "level", "message", "outcome", "event_id", "reason", "detail", "attempt", "text")
)

EPILOG = """
\b
Examples:
  waybill tail -f                                  all that comes, until Ctrl-C
  waybill tail inventory --outcome failed --since 2h
  waybill tail --match OrderPlaced-10248 -o ndjson | jq .outcome
"""


@click.command(epilog=EPILOG)
@click.argument("consumer", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, as `tail -f` does.")
@click.option("--since", default="10m", show_default=True, help="How long ago (10m, 2h, 3d), or a moment.")
@click.option("--match", help="Only lines with this text.")
@click.option(
    "--outcome",
    type=click.Choice(OUTCOMES),
    help="Only events with this outcome. failed: handed back or dead-lettered.",
)
@command
def run(
    operator: Operator, consumer: str | None, *, follow: bool, since: str, match: str | None, outcome: str | None
) -> None:
    """What CONSUMER logs, or `relay`, or without a name all of them. Never a payload."""
    target, output = operator.target, operator.output
    if follow and output.format == "json":
        raise UsageError("-o json is one document, which never ends with -f: take -o ndjson")
    began = instant(since, utc_now())
    groups = target.log_groups
    if consumer is not None:
        if consumer not in groups:
            raise NotFound(f"no consumer {consumer!r} here; there are: {', '.join(groups)}")
        groups = {consumer: groups[consumer]}
    logs = target.client("logs")
    lines: Iterable[Line] = (
        Follower(logs, groups, began, clock=utc_now).lines() if follow else read(logs, groups, began)
    )
    wanted = filter(Wanted(match=match, outcome=outcome), lines)
    if not output.for_people:
        output.rows(COLUMNS, (line.row for line in wanted))
        return
    console = output.console()
    nothing = True
    for line in wanted:
        nothing = False
        console.print(*_words(line), soft_wrap=True)
    if nothing:
        output.say(f"nothing of that kind since {began:%Y-%m-%d %H:%M:%S} UTC")


_STYLES = {"dead_lettered": "bold red", "retry": "yellow", "held_back": "yellow", "applied": "green"}


def _words(line: Line) -> Iterator[Any]:
    from rich.text import Text

    yield Text(f"{line.at.astimezone():%H:%M:%S}", style="dim")
    yield Text(f"{line.consumer:15}")
    what = line.outcome or line.level or ""
    yield Text(f"{what:13}", style=_STYLES.get(what, "red" if what in ("ERROR", "CRITICAL") else ""))
    if line.event_id is None and line.outcome is None:
        yield Text(line.message or line.text)
        return
    yield Text(line.event_id or f"delivery {line.delivery_id}", style="bold")
    why = ": ".join(part for part in (line.reason, line.detail) if part)
    if why:
        yield Text(why)
    if line.attempt is not None and line.attempt > 1:
        yield Text(f"(attempt {line.attempt})", style="dim")
