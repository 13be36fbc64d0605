"""`waybill dlq redrive`: letters back to their consumer, with a plan before."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import click

from cli.errors import Cancelled, CliError, UsageError
from cli.letters.commands.options import CANARY, RATE, at_desk, selection_of, selects
from cli.letters.commands.telling import STEPS, agree, row, summed, tell_of, tell_work
from cli.operator import Operator, changes, command
from cli.progress import Progress
from cli.times import duration_seconds

if TYPE_CHECKING:
    from cli.letters.desk import Desk
    from cli.letters.judging import Rules
    from cli.letters.redriving import Gait


EPILOG = """
\b
Examples:
  waybill dlq redrive inventory --all --canary 5 -n
  waybill dlq redrive inventory --reason poison --canary 5 --rate 100
  waybill dlq redrive inventory --id OrderPlaced-10248 --id OrderPlaced-10249

Exit code 6: some went back and others did not, or a canary came back.
"""


@click.command("redrive", short_help="Send letters back to their consumer; -n says which.", epilog=EPILOG)
@click.argument("queue")
@selects
@click.option("--all", "everything", is_flag=True, help="All of them.")
@RATE
@CANARY
@click.option("--canary-wait", metavar="DURATION", default="60s", show_default=True, help="For how long to watch them.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would move, and why others would not.")
@click.option("--max-redrives", type=click.IntRange(min=1), default=3, show_default=True, help="Of one message, ever.")
@click.option("--ignore-expiry", is_flag=True, help="Also those that are too old, though they would come back.")
@click.option("--keep-applied", is_flag=True, help="Leave letters whose event was applied; else they are deleted.")
@click.option("--native", is_flag=True, help="Have AWS move all of it, unseen (StartMessageMoveTask).")
@changes
@command
def redrive(
    operator: Operator,
    queue: str,
    everything: bool,
    rate: float,
    canary: int,
    canary_wait: str,
    dry_run: bool,
    max_redrives: int,
    ignore_expiry: bool,
    keep_applied: bool,
    native: bool,
    **selected: Any,
) -> None:
    """Send letters of QUEUE back to their consumer: each is sent first and deleted then, in its group's order.

    One whose event was applied is only deleted. One that would come back stays, with the reason why, unless you ask for
    it by --id or --reason. Whatever stops this, run it again: nothing is lost, and nothing is applied twice.
    """
    from cli.letters.judging import Rules
    from cli.letters.redriving import Gait

    selection = selection_of(**selected, everything=everything, needed=True)
    rules = Rules(
        selection=selection, max_redrives=max_redrives, ignore_expiry=ignore_expiry, keep_applied=keep_applied
    )
    gait = Gait(rate=rate, canaries=canary, canary_seconds=duration_seconds(canary_wait))
    with at_desk(operator, queue) as desk:
        if native:
            if not everything or canary or dry_run:
                raise UsageError(
                    "--native moves everything at once and looks at nothing: it goes with --all and --rate"
                )
            agree(operator, f"Have AWS move all letters of {queue} to {desk.queue.row.consumer}")
            move_natively(operator, desk, rate)
        else:
            _redrive(operator, desk, rules, gait, dry_run=dry_run)


def _redrive(operator: Operator, desk: Desk, rules: Rules, gait: Gait, *, dry_run: bool) -> None:
    from cli.letters.redriving import plan, redrive

    planned = plan(desk, rules)
    tell_of(operator, desk, planned.reading)
    if dry_run:
        outcomes = {"moves": "would move", "done": "would be deleted", "stays": "stays"}
        asked = [each for each in planned.decisions if rules.selection.takes(each.letter)]
        operator.output.rows(STEPS, (row(each.letter, outcomes[each.action], each.why) for each in asked))
        operator.output.say(summed(Counter(outcomes[each.action] for each in asked)))
        return
    if not planned.moves and not planned.done and not planned.reading.behind:
        for why, count in Counter(each.why for each in planned.decisions).items():
            operator.output.say(f"{count} letters stay: {why}")
        operator.output.say(f"nothing of {desk.queue.name} is to be moved")
        return
    behind = f" and those behind them, {planned.reading.behind} or so" * bool(planned.reading.behind)
    done = f", delete {planned.done} that are done" * bool(planned.done)
    doubt = f"; {planned.doubtful} of them may only come back (-n says why)" * bool(planned.doubtful)
    what = f"Send {planned.moves} letters of {desk.queue.name} back to {desk.queue.row.consumer}"
    agree(operator, f"{what}{done}{behind}{doubt}")
    steps = redrive(desk, rules, planned.reading, gait)
    tell_work(operator, desk, steps, total=planned.moves + planned.done + planned.reading.behind)


def move_natively(operator: Operator, desk: Desk, rate: float) -> None:
    """Have AWS move all letters, and tell how far it is. Raises as `native.move` does, CliError where AWS gave up, and
    Cancelled where the operator stopped."""
    from cli.letters.native import move

    with closing(move(desk, rate)) as states, ExitStack() as moving:
        state = next(states, None)
        if state is None:
            raise CliError("AWS tells nothing of the move that it was asked for: run the same again to follow it")
        progress = moving.enter_context(Progress(operator.output, "moved", state.to_move))
        progress.advance(state.moved)
        for later in states:
            progress.advance(later.moved - state.moved)
            state = later
    operator.output.say(f"{state.status}: {state.moved} of {state.to_move} moved")
    if desk.stopped():
        raise Cancelled("stopped: what AWS has moved is moved")
    if state.status == "FAILED":
        raise CliError(f"AWS gave up: {state.failure}")
