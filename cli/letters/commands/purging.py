"""`waybill dlq purge`: letters deleted for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from cli.letters.commands.options import at_desk, selection_of, selects
from cli.letters.commands.telling import agree, read_queue, tell_work
from cli.operator import Operator, changes, command
from cli.times import duration_seconds


@click.command(
    "purge",
    short_help="Delete letters for good, with a copy in a file.",
    epilog="Example:  waybill dlq purge inventory --reason stale --older-than 7d",
)
@click.argument("queue")
@selects
@click.option("--older-than", metavar="DURATION", help="Those that are dead for longer, such as 7d.")
@click.option("--all", "everything", is_flag=True, help="All of them.")
@click.option("--backup", type=click.Path(dir_okay=False, path_type=Path), help="Where to write them first.")
@click.option("--no-backup", is_flag=True, help="Write them nowhere.")
@changes
@command
def purge(
    operator: Operator,
    queue: str,
    older_than: str | None,
    everything: bool,
    backup: Path | None,
    no_backup: bool,
    **selected: Any,
) -> None:
    """Delete letters of QUEUE for good. They are written to a file first: `import --restore` sends those again."""
    from cli.letters.files import Backup
    from cli.letters.purging import purge

    now = datetime.now(UTC)
    dead_before = None if older_than is None else now - timedelta(seconds=duration_seconds(older_than))
    selection = selection_of(**selected, dead_before=dead_before, everything=everything, needed=True)
    with at_desk(operator, queue) as desk:
        reading = read_queue(operator, desk)
        meant = sum(selection.takes(letter) for letter in reading.letters)
        agree(operator, f"Delete {meant} letters of {queue}" + " and those behind them" * bool(reading.behind))
        path = None if no_backup else backup or Path(f"dlq-{queue.replace('/', '-')}-{now:%Y%m%dT%H%M%SZ}.ndjson")
        if path is None:
            tell_work(operator, desk, purge(desk, selection, None), total=meant, moved="deleted")
            return
        with Backup(path) as file:
            operator.output.say(f"What is deleted is in {path} first")
            tell_work(operator, desk, purge(desk, selection, file), total=meant, moved="deleted")
