"""Letters out of a dead-letter queue, batch by batch: each is sent first, and deleted then.

Whoever is killed in between leaves a letter that was sent already. The next run sends it with the same deduplication
id, or finds it applied, or finds its successor in the queue; and behind all of that, the inbox lets nothing be applied
twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from cli.letters.desk import Desk
from cli.letters.hold import MAX_BATCH, SHORT_SECONDS, Hold, hold_seconds
from cli.letters.judging import Decision
from cli.letters.letter import Letter
from cli.letters.queue import depth
from cli.letters.sending import Send

Outcome = Literal["moved", "done", "stays", "came_back", "refused"]
Decide = Callable[[Sequence[Letter]], list[Decision]]


@dataclass(frozen=True)
class Step:
    """What became of one letter; `sent_id` is the id of the message that it became."""

    letter: Letter
    outcome: Outcome
    why: str = ""
    sent_id: str = ""


class Pace:
    """So many letters a second; at most as many at once."""

    def __init__(self, desk: Desk, per_second: float) -> None:
        self._desk = desk
        self.per_second = per_second
        self._began_at = self._next_at = 0.0
        self.most_at_once = max(1, min(MAX_BATCH, int(per_second)))

    def wait(self) -> None:
        """Until the next batch may go."""
        seconds = self._next_at - self._desk.clock()
        if seconds > 0:
            self._desk.sleep(seconds)
        self._began_at = self._desk.clock()

    def spend(self, letters: int) -> None:
        """So many of the batch have gone."""
        self._next_at = max(self._next_at, self._began_at) + letters / self.per_second


class Mover:
    """Takes letters, has them decided on, sent and deleted. `run` may be called again to go on.

    `returns`: what is sent may come back as another letter, which this run then leaves alone. `wanted`: the ids of all
    letters that it is about; when those are dealt with it ends. None: it looks at every letter.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        decide: Decide,
        send: Send,
        pace: Pace,
        returns: bool = True,
        wanted: Collection[str] | None = None,
    ) -> None:
        self._desk = desk
        self._decide = decide
        self._send = send
        self._pace = pace
        self._returns = returns
        self._left = None if wanted is None else {*wanted}
        self._sent: dict[str, str] = {}  # by letter id: the id of the message that it became
        self._messages: set[str] = set()  # those ids
        self._told: set[str] = set()

    def run(self, most: int | None = None) -> Generator[Step, None, None]:
        """Move letters until none is to be had, or `most` are moved, or the operator stops. Each is told of once.

        Raises what boto3 raises; whatever ends it, what is held is let go.
        """
        moved = 0
        looked_through: set[str] = set()
        with Hold(self._desk.sqs, self._desk.queue) as hold:
            while self._goes_on() and (most is None or moved < most):
                self._pace.wait()
                letters = self._take(hold) or self._take_behind(hold, looked_through)
                if not letters:
                    return
                for step in self._settle(hold, letters, None if most is None else most - moved):
                    moved += step.outcome == "moved"
                    if step.letter.group is not None and step.outcome in ("moved", "done"):
                        looked_through.discard(step.letter.group)  # others may have come to the front
                    yield step

    def _take(self, hold: Hold) -> list[Letter]:
        """The next letters. What somebody else holds, such as one who was killed a moment ago, is waited for."""
        until = self._desk.clock() + 2 * SHORT_SECONDS
        while not (letters := hold.take(self._pace.most_at_once)):
            others = depth(self._desk.sqs, self._desk.queue.url).held > len(hold)
            if not others or self._desk.clock() >= until or self._desk.stopped():
                return []
            self._desk.sleep(1.0)
        return letters

    def _take_behind(self, hold: Hold, looked_through: set[str]) -> list[Letter]:
        """Letters of a group of which only some were seen, as what stays is in front of the others."""
        for group in hold.groups:
            if group in looked_through:
                continue
            if not self._goes_on() or not depth(self._desk.sqs, self._desk.queue.url).visible:
                break
            letters = hold.take_group(group)
            looked_through.add(group)
            if any(letter.id not in self._told for letter in letters):
                return letters
        return []

    def _goes_on(self) -> bool:
        return not self._desk.stopped() and self._left != set()

    def _settle(self, hold: Hold, letters: Sequence[Letter], most: int | None) -> Generator[Step, None, None]:
        again = [letter for letter in letters if letter.id in self._sent]  # sent, but its deletion failed
        back = [letter for letter in letters if self._came_back(letter)]
        fresh = [letter for letter in letters if letter not in again and letter not in back]
        decisions = self._decide(fresh)
        moves = [decision for decision in decisions if decision.action == "moves"]
        done = [decision for decision in decisions if decision.action == "done"]
        stays = [decision for decision in decisions if decision.action == "stays"]
        hold.delete([*again, *(decision.letter for decision in done)])
        later = [] if most is None else [decision.letter.id for decision in moves[most:]]
        hold.release(later)
        # What stays must be out of the way for as long as the rest takes.
        self._keep(hold, [*back, *(decision.letter for decision in stays)])
        yield from self._tell(Step(letter, "came_back", letter.reason) for letter in back)
        yield from self._tell(Step(each.letter, "done", each.why) for each in done)
        yield from self._tell(Step(each.letter, "stays", each.why) for each in stays)
        yield from self._tell(self._move(hold, moves if most is None else moves[:most]))

    def _move(self, hold: Hold, moves: Sequence[Decision]) -> Generator[Step, None, None]:
        """In waves that hold one letter of a group: should SQS refuse one, none behind it overtakes it."""
        stuck: set[str] = set()
        why = {decision.letter.id: decision.why for decision in moves}
        for wave in waves([decision.letter for decision in moves]):
            going = [letter for letter in wave if letter.group not in stuck or letter.group is None]
            sent = self._send(going) if going else {}
            accepted = [letter for letter in going if not sent[letter.id].refusal]
            self._sent |= {letter.id: sent[letter.id].message_id for letter in accepted}
            self._messages |= {sent[letter.id].message_id for letter in accepted}
            hold.delete(accepted)
            self._pace.spend(len(accepted))
            for letter in wave:
                if letter in accepted:
                    yield Step(letter, "moved", why[letter.id], sent[letter.id].message_id)
                    continue
                stuck |= {letter.group} if letter.group is not None else set()
                refusal = sent[letter.id].refusal if letter.id in sent else "one before it in its group was refused"
                yield Step(letter, "refused", refusal)

    def _came_back(self, letter: Letter) -> bool:
        """Whether it is a letter again after this very run has sent it: by its consumer, or moved by SQS."""
        return self._returns and (letter.replaces in self._sent or letter.id in self._messages)

    def _keep(self, hold: Hold, letters: Sequence[Letter]) -> None:
        if letters:
            left = depth(self._desk.sqs, self._desk.queue.url).total
            hold.keep(letters, hold_seconds(left, min(self._pace.per_second, 25.0) / 2))

    def _tell(self, steps: Iterable[Step]) -> Generator[Step, None, None]:
        for step in steps:
            if self._left is not None:
                self._left.discard(step.letter.id)
            if step.letter.id not in self._told or step.outcome == "moved":
                self._told.add(step.letter.id)
                yield step


def waves(letters: Sequence[Letter]) -> list[list[Letter]]:
    """The letters in their order, each wave with at most one of a group; those without a group in the first."""
    found: list[list[Letter]] = []
    seen: dict[str, int] = {}
    for letter in letters:
        number = 0 if letter.group is None else seen.get(letter.group, 0)
        if letter.group is not None:
            seen[letter.group] = number + 1
        if number == len(found):
            found.append([])
        found[number].append(letter)
    return found
