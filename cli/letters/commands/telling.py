"""What is told of the work on letters while it goes on, and at its end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from cli.errors import Cancelled, CliError
from cli.letters import interruption
from cli.operator import Operator
from cli.output import Column
from cli.progress import Progress

if TYPE_CHECKING:
    from cli.letters.desk import Desk
    from cli.letters.letter import Letter
    from cli.letters.moving import Step
    from cli.letters.reading import Reading

STEPS = (Column("id", "Event or letter"), Column("group", "Group"), Column("outcome", "Outcome"), Column("why", "Why"))


def read_queue(operator: Operator, desk: Desk) -> Reading:
    """All that can be read of the queue; what can't is told. Raises Cancelled where the operator stopped."""
    from cli.letters.reading import read

    reading = read(desk)
    tell_of(operator, desk, reading)
    return reading


def tell_of(operator: Operator, desk: Desk, reading: Reading) -> None:
    """What a reading has not seen."""
    if reading.behind:
        operator.output.say(
            f"{reading.behind} more letters of {desk.queue.name} are behind the first ones of their groups: "
            "nobody can look at them before those are redriven or purged"
        )
    if reading.elsewhere:
        operator.output.say(f"{reading.elsewhere} more letters of {desk.queue.name} are held by somebody else now")


def agree(operator: Operator, what: str) -> None:
    """Let a person confirm; there, Ctrl-C ends it at once. Raises as Operator.confirm does."""
    with interruption.heard():
        operator.confirm(what)


def tell_work(
    operator: Operator,
    desk: Desk,
    steps: Generator[Step, None, None],
    *,
    total: int,
    meant: Collection[str] | None = None,
    moved: str = "moved",
) -> set[str]:
    """Tell of the letters as they go; the ids of those that were. `meant`: of no others. Raises Cancelled where the
    operator stopped, and what the work raises, after all of it is told."""
    began, counts, met = time.monotonic(), Counter[str](), set[str]()
    failure: list[CliError] = []

    def rows() -> Iterator[dict[str, Any]]:
        try:
            with closing(_shown(operator, steps, total, moved)) as going:
                for step in going:
                    if meant is not None and step.letter.id not in meant:
                        continue
                    outcome = moved if step.outcome == "moved" else step.outcome
                    if step.why != "not asked for":
                        met.add(step.letter.id)
                        counts[outcome] += 1
                        if step.why or operator.output.format != "table":
                            yield row(step.letter, outcome, step.why)
        except CliError as error:
            failure.append(error)

    if not operator.output.for_people:
        operator.output.rows(STEPS, rows())
    elif remarkable := [*rows()]:
        operator.output.rows(STEPS, remarkable)
    operator.output.say(f"{summed(counts) or 'nothing moved'} in {time.monotonic() - began:.1f} s")
    if failure:
        raise failure[0]
    if desk.stopped():
        raise Cancelled("stopped, and nothing is held: the same command again does the rest")
    return met


def _shown(
    operator: Operator, steps: Generator[Step, None, None], total: int, moved: str
) -> Generator[Step, None, None]:
    """The same, with progress."""
    with closing(steps), Progress(operator.output, moved, total) as progress:
        for step in steps:
            if step.outcome in ("moved", "done"):
                progress.advance(1)
            yield step


def row(letter: Letter, outcome: str, why: str) -> dict[str, Any]:
    """What became of one letter, or would; without its data."""
    return {
        "id": letter.name,
        "letter": letter.id,
        "event_id": letter.event_id,
        "group": letter.group,
        "reason": letter.reason,
        "redrives": letter.redrives,
        "outcome": outcome,
        "why": why,
    }


def summed(counts: Counter[str]) -> str:
    """How many of each outcome, in words."""
    return ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in counts.items())
