"""`waybill dlq import` and `edit`: mended letters in the place of dead ones."""

from __future__ import annotations

from typing import Any

import click

from cli.errors import CliError, UsageError
from cli.letters import interruption
from cli.letters.commands.options import CANARY, RATE, at_desk
from cli.letters.commands.telling import agree, read_queue, tell_work
from cli.masking import masks
from cli.operator import Operator, changes, command


@click.command(
    "import",
    short_help="Send mended letters of a file in the place of dead ones.",
    epilog="Example:  waybill dlq import inventory mended.ndjson --canary 5",
)
@click.argument("queue")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--to-dlq", is_flag=True, help="To the end of the dead-letter queue, for a redrive later.")
@click.option("--restore", is_flag=True, help="Only letters that are in the queue no more, such as those of a purge.")
@click.option("--no-validate", is_flag=True, help="Send also what its consumer would only bury again.")
@RATE
@CANARY
@changes
@command
def import_(
    operator: Operator,
    queue: str,
    file: Any,
    to_dlq: bool,
    restore: bool,
    no_validate: bool,
    rate: float,
    canary: int,
) -> None:
    """Send the letters of FILE, as `export` wrote them and you mended them, in the place of those in QUEUE.

    Each letter is found by its id, sent in its new wording to its consumer, and then deleted; one that is gone was done
    before. So the same import may be run again.
    """
    from cli.letters import files, importing
    from cli.letters.judging import Rules
    from cli.letters.redriving import Gait
    from cli.letters.selection import Selection

    if to_dlq and canary:
        raise UsageError("--canary watches what a consumer gets: with --to-dlq, say it to the redrive")
    with at_desk(operator, queue) as desk:
        lines = files.letters_in(file, unsigned=desk.queue.unsigned)
        if not no_validate:
            files.check(lines, desk.queue.row)
        agree(operator, f"Send {len(lines)} letters to {queue if to_dlq else desk.queue.row.consumer}")
        reading, gait = read_queue(operator, desk), Gait(rate=rate, canaries=canary)
        if restore:
            tell_work(operator, desk, importing.restore(desk, lines, reading, to_dlq=to_dlq), total=len(lines))
            return
        if to_dlq:
            steps = importing.to_queue(desk, lines, reading, gait)
        else:
            steps = importing.to_consumer(desk, lines, reading, gait, Rules(selection=Selection()))
        meant = {line.id for line in lines}
        met = tell_work(operator, desk, steps, meant=meant, total=len(lines))
    if gone := len(meant - met):
        operator.output.say(f"{gone} letters of the file are {importing.GONE}")


@click.command(
    "edit",
    short_help="Mend one letter in $EDITOR and send it.",
    epilog="Example:  EDITOR=nano waybill dlq edit inventory OrderPlaced-10248",
)
@click.argument("queue")
@click.argument("letter")
@click.option("--new-id", is_flag=True, help="Make it another event: what was applied of this one, it would do again.")
@click.option("--to-dlq", is_flag=True, help="Back to the dead-letter queue, for a redrive later.")
@click.option("--no-validate", is_flag=True, help="Send also what its consumer would only bury again.")
@masks
@changes
@command
def edit(
    operator: Operator,
    queue: str,
    letter: str,
    new_id: bool,
    to_dlq: bool,
    no_validate: bool,
    reveal: bool,
    hidden: tuple[str, ...],
) -> None:
    """Mend the body of one LETTER of QUEUE in $EDITOR and send it to its consumer. The event keeps its id.

    The editor shows all of it; the terminal what has changed, without personal data.
    """
    from cli.letters import editing, importing, listing
    from cli.letters.judging import Rules
    from cli.letters.redriving import Gait
    from cli.letters.selection import Selection

    with at_desk(operator, queue) as desk:
        found = listing.find(desk, letter)
        mended = editing.edit(found, desk.queue.row, _open_editor, new_event_id=new_id, validate=not no_validate)
        operator.output.say(editing.difference(found, mended, () if reveal else hidden))
        agree(operator, f"Send it to {queue if to_dlq else desk.queue.row.consumer}")
        reading = read_queue(operator, desk)
        if to_dlq:
            steps = importing.to_queue(desk, [mended], reading, Gait())
        else:
            steps = importing.to_consumer(desk, [mended], reading, Gait(), Rules(selection=Selection(ids=(found.id,))))
        if not tell_work(operator, desk, steps, meant={found.id}, total=1):
            raise CliError(f"letter {found.id} is gone: somebody else has sent or deleted it. Nothing was sent")


def _open_editor(text: str) -> str | None:
    with interruption.left_to_others():
        return click.edit(text, extension=".json", require_save=True)
