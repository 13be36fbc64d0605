"""A redrive: what would go back to the consumer's queue and what would not, and then so, a few letters first.

Nothing is kept between runs but in the queues and the inbox, so one that was stopped or killed is simply run again.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from cli.errors import PartlyDone
from cli.letters import canary
from cli.letters.desk import Desk
from cli.letters.judging import Decision, Judge, Rules
from cli.letters.moving import Decide, Mover, Pace, Step
from cli.letters.reading import Reading, read, wait_for_others
from cli.letters.sending import Send, sender

RATE = 50.0


@dataclass(frozen=True)
class Plan:
    """What a redrive would do with each letter that can be read now, in order."""

    decisions: tuple[Decision, ...]
    reading: Reading

    @property
    def moves(self) -> int:
        """How many would go back."""
        return sum(decision.action == "moves" for decision in self.decisions)

    @property
    def doubtful(self) -> int:
        """How many of those may come back at once, by what this code makes of them."""
        return sum(decision.action == "moves" and bool(decision.why) for decision in self.decisions)

    @property
    def done(self) -> int:
        """How many would only be deleted, as nothing is left to do for them."""
        return sum(decision.action == "done" for decision in self.decisions)


@dataclass(frozen=True, kw_only=True)
class Gait:
    """How a redrive goes: letters a second, how many go first, and for how long those are watched."""

    rate: float = RATE
    canaries: int = 0
    canary_seconds: float = field(default=canary.WAIT_SECONDS)


def plan(desk: Desk, rules: Rules) -> Plan:
    """Look at everything and move nothing. Raises what boto3 raises, CliError where the inbox can't be read, and
    Cancelled where the operator stopped."""
    wait_for_others(desk)
    reading = read(desk)
    return Plan(tuple(judge(desk, rules, reading).decide(reading.letters)), reading)


def redrive(desk: Desk, rules: Rules, reading: Reading, gait: Gait) -> Generator[Step, None, None]:
    """Send the letters that `rules` mean back to their consumer, and delete each then; tells of each letter once.

    Raises PartlyDone where canaries come back, or any letter does; CliError where the inbox can't be read, and what
    boto3 raises. What is held is let go.
    """
    decide = judge(desk, rules, reading).decide
    return move(desk, decide, sender(desk.sqs, desk.queue.source_url), gait)


def judge(desk: Desk, rules: Rules, reading: Reading) -> Judge:
    """Who decides, with what was read of the whole queue."""
    return Judge(desk.queue.row, desk.proofs, rules, replaced=reading.replaced, now=desk.clock())


def move(
    desk: Desk,
    decide: Decide,
    send: Send,
    gait: Gait,
    *,
    returns: bool = True,
    wanted: Collection[str] | None = None,
) -> Generator[Step, None, None]:
    """Move what `decide` lets go, by `send`; canaries first. The rest is as in Mover. Raises as `redrive` does."""
    mover = Mover(desk, decide=decide, send=send, pace=Pace(desk, gait.rate), returns=returns, wanted=wanted)
    if gait.canaries:
        canaries: list[Step] = []
        with closing(mover.run(gait.canaries)) as steps:
            for step in steps:
                canaries += [step] if step.outcome == "moved" else []
                yield step
        if canaries and not desk.stopped():
            _watch(desk, canaries, gait)
    failed: list[str] = []
    with closing(mover.run()) as steps:
        for step in steps:
            yield step
            if step.outcome in ("came_back", "refused"):
                failed.append(f"{step.letter.name} {step.outcome.replace('_', ' ')}: {step.why}")
                if gait.canaries:
                    break
    if failed:
        raise PartlyDone(f"{_counted(failed)} failed ({'; '.join(failed[:3])}). Find out why before you redrive again")


def _watch(desk: Desk, canaries: Sequence[Step], gait: Gait) -> None:
    desk.say(f"{_counted(canaries)} sent first: waiting until they are applied, or come back")
    verdict = canary.watch(desk, canaries, seconds=gait.canary_seconds)
    if verdict.came_back:
        raise PartlyDone(
            f"stopped: {len(verdict.came_back)} of {len(canaries)} canaries came back "
            f"({'; '.join(verdict.came_back[:3])}). The other letters are where they were"
        )
    if verdict.pending and not desk.stopped():
        raise PartlyDone(
            f"stopped: after {gait.canary_seconds:.0f} s {len(verdict.pending)} of {len(canaries)} canaries are "
            f"neither applied nor back ({', '.join(verdict.pending[:3])}). The other letters are where they were; "
            "whether the consumer is slow or paused, `waybill queues` tells"
        )
    if verdict.well:
        desk.say(f"{_counted(verdict.applied)} applied: going on with the others")


def _counted(things: Sequence[object]) -> str:
    return "1 letter" if len(things) == 1 else f"{len(things)} letters"
