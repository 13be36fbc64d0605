"""A few letters first: whether they were applied, or came back, before any other follows.

A sent letter has come back when the failure record of its event names its delivery, which is the id of the message that
was sent; so no clock has a say in it. It is done when the inbox proves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cli.letters.desk import Desk
from cli.letters.moving import Step

POLL_SECONDS = 0.5
WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Verdict:
    """What became of the canaries: names of those that were applied, what was said of those that came back, and the
    names of those of which nothing is known yet."""

    applied: tuple[str, ...]
    came_back: tuple[str, ...]
    pending: tuple[str, ...]

    @property
    def well(self) -> bool:
        """Whether the rest may follow."""
        return not self.came_back and not self.pending


def watch(desk: Desk, canaries: Sequence[Step], *, seconds: float = WAIT_SECONDS) -> Verdict:
    """Wait until all are known, one comes back, or the time is up. Raises CliError where the inbox can't be read."""
    until = desk.clock() + seconds
    while True:
        verdict = _look(desk, canaries)
        if verdict.came_back or not verdict.pending or desk.clock() >= until or desk.stopped():
            return verdict
        desk.sleep(POLL_SECONDS)


def _look(desk: Desk, canaries: Sequence[Step]) -> Verdict:
    proofs = desk.proofs.of([step.letter for step in canaries])
    records = desk.proofs.failures({name for step in canaries for name in _names(step)})
    applied, came_back, pending = [], [], []
    for step in canaries:
        if proofs[step.letter.id].applied:
            applied.append(step.letter.name)
            continue
        failures = [records[name] for name in _names(step) if name in records]
        buried = [
            record
            for record in failures
            if record.get("delivery_id") == step.sent_id and record.get("outcome") == "dead_lettered"
        ]
        if buried:
            came_back.append(f"{step.letter.name}: {buried[0].get('reason')}, {buried[0].get('detail')}")
        else:
            pending.append(step.letter.name)
    return Verdict(tuple(applied), tuple(came_back), tuple(pending))


def _names(step: Step) -> list[str]:
    """What its failure record may be under: the delivery's own id where the body tells of no event."""
    return [name for name in (step.letter.event_id, step.sent_id) if name]
