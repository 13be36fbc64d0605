"""All of a dead-letter queue that can be read, without harm: held while it is read, and let go."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cli.errors import Cancelled
from cli.letters.desk import Desk
from cli.letters.hold import SHORT_SECONDS, Hold, hold_seconds
from cli.letters.letter import Letter
from cli.letters.queue import Depth, depth

TELL_EVERY_SECONDS = 5.0


@dataclass(frozen=True)
class Reading:
    """What was read. `behind` letters wait behind the first ten of their groups, where only who deletes those gets to;
    `elsewhere` are held by somebody else. Both are as approximate as SQS's counts."""

    letters: tuple[Letter, ...]
    behind: int = 0
    elsewhere: int = 0

    @property
    def replaced(self) -> Collection[str]:
        """Ids of letters in whose place another one of these was sent."""
        return frozenset(letter.replaces for letter in self.letters if letter.replaces is not None)

    def newest(self, letter_id: str) -> Letter | None:
        """The last letter with this id, its own or its event's."""
        named = (letter for letter in reversed(self.letters) if letter_id in (letter.id, letter.event_id))
        return next(named, None)


def read(desk: Desk) -> Reading:
    """Read the queue in its order. Raises what boto3 raises, and Cancelled where the operator stopped; in any case
    everything is let go."""
    letters: dict[str, Letter] = {}  # a standard queue may give one twice
    total, told_at = depth(desk.sqs, desk.queue.url).total, desk.clock()
    with Hold(desk.sqs, desk.queue, seconds=hold_seconds(total)) as hold:
        while not desk.stopped() and (taken := hold.take()):
            if all(letter.id in letters for letter in taken):
                break  # the hold ran out: this is the beginning again
            letters |= {letter.id: letter for letter in taken}
            if desk.clock() - told_at >= TELL_EVERY_SECONDS:
                desk.say(f"read {len(letters):,} of {total:,} letters")
                told_at = desk.clock()
        behind = depth(desk.sqs, desk.queue.url).visible
        for group in hold.groups:
            if desk.stopped() or behind <= 0:
                break
            before = len(letters)
            letters |= {letter.id: letter for letter in hold.take_group(group)}
            behind -= len(letters) - before
        left = depth(desk.sqs, desk.queue.url)
        held = len(hold)
    if desk.stopped():
        raise Cancelled("nothing was done, and nothing is held")
    return Reading(
        tuple(letters.values()),
        behind=left.visible if desk.queue.fifo else 0,
        elsewhere=max(0, left.held - held),
    )


def wait_for_others(desk: Desk, seconds: float = 2.0 * SHORT_SECONDS) -> Depth:
    """Wait until nobody else holds letters, for so long at most: one who was killed lets go after SHORT_SECONDS."""
    until, told = desk.clock() + seconds, False
    while (now := depth(desk.sqs, desk.queue.url)).held and desk.clock() < until and not desk.stopped():
        if not told:
            desk.say(f"{now.held} letters are held by somebody else: waiting for up to {seconds:.0f} s")
            told = True
        desk.sleep(1.0)
    return now
