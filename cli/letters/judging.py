"""What a redrive does with each letter, and why: it goes back, it is done with, or it stays.

A letter whose event was applied is deleted: the marker proves that nothing is lost. One that would only come back
stays, unless it is asked for by its id or its reason.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from cli.letters.letter import Letter
from cli.letters.proofs import Proof, Proofs
from cli.letters.selection import Selection
from messaging.subscription import Subscription

Action = Literal["moves", "done", "stays"]
MAX_REDRIVES = 3


@dataclass(frozen=True)
class Decision:
    """What is to be done with a letter; `why` is for people, and may warn of one that moves."""

    letter: Letter
    action: Action
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the operator has asked for."""

    selection: Selection
    max_redrives: int = MAX_REDRIVES
    ignore_expiry: bool = False
    keep_applied: bool = False


class Judge:
    """Decides batch by batch. `replaced` are ids of letters in whose place another one lies in the queue."""

    def __init__(
        self, row: Subscription, proofs: Proofs, rules: Rules, *, replaced: Collection[str], now: float
    ) -> None:
        self._row = row
        self._proofs = proofs
        self._rules = rules
        self._replaced = replaced
        self._now = now
        self._next: dict[str, int] = {}  # of groups: the sequence after what was sent

    def decide(self, letters: Sequence[Letter]) -> list[Decision]:
        """In the order in which they are to be dealt with: the queue's, but by `sequence` where a cursor counts."""
        ordered = in_sequence(letters) if self._row.keeps_cursor else [*letters]
        selected = [letter for letter in ordered if self._rules.selection.takes(letter)]
        proofs = self._proofs.of(selected)
        return [
            self._judge(letter, proofs[letter.id])
            if letter.id in proofs
            else Decision(letter, "stays", "not asked for")
            for letter in ordered
        ]

    def _judge(self, letter: Letter, proof: Proof) -> Decision:
        if letter.id in self._replaced:
            return Decision(letter, "done", "sent before: another letter in the queue is in its place")
        if proof.applied:
            if self._rules.keep_applied:
                return Decision(letter, "stays", "already applied")
            return Decision(letter, "done", "already applied: its marker proves it")
        if letter.redrives >= self._rules.max_redrives:
            return Decision(letter, "stays", f"redriven {letter.redrives} times: mend its cause, or --max-redrives")
        if gap := self._gap(letter, proof):
            return Decision(letter, "stays", gap)
        would_return = self._too_late(letter) or self._would_return(letter, proof)
        insisted = self._rules.selection.names(letter)
        if would_return and not (insisted or (self._rules.ignore_expiry and self._too_late(letter))):
            return Decision(letter, "stays", would_return)
        if letter.sequence is not None and letter.group is not None:
            self._next[letter.group] = letter.sequence + 1
        return Decision(letter, "moves", would_return or self._warning(letter))

    def _too_late(self, letter: Letter) -> str:
        """Only its age speaks against it: it would be dead again at once."""
        if letter.message is None:
            return ""
        age, most = self._now - letter.message.time.timestamp(), self._row.max_age_seconds
        if age > self._row.oldest_event_seconds:
            return f"older than {self._row.oldest_event_seconds} s: the consumer would only bury it again as too_old"
        if most is not None and age > most:
            return f"older than {most} s: the consumer would only bury it again as expired"
        return ""

    def _would_return(self, letter: Letter, proof: Proof) -> str:
        if proof.tampered:
            return "its event id was applied with other contents: it would only come back as conflict"
        if proof.cursor is not None and letter.sequence is not None and letter.sequence <= proof.cursor:
            return f"stale: sequence {letter.sequence}, and its group is at {proof.cursor}. It would only come back"
        if letter.reason == "in_doubt":
            return "in doubt: its call may have happened. Find out, then `waybill inbox forget` and redrive it by --id"
        return ""

    def _gap(self, letter: Letter, proof: Proof) -> str:
        """Where a strict group's earlier event is missing, all later ones would only be held again."""
        if self._row.ordering != "strict" or proof.cursor is None or letter.sequence is None:
            return ""
        expected = max(proof.cursor + 1, self._next.get(str(letter.group), 0))
        if letter.sequence <= expected:
            return ""
        return (
            f"held: sequence {letter.sequence}, and {expected} of its group is neither applied nor redriven before it"
        )

    def _warning(self, letter: Letter) -> str:
        if letter.message is None:
            return f"this code can't read it either, and would bury it again: {letter.decoded}"
        if type(letter.message.event) not in self._row.events:
            return f"{self._row.consumer} takes no {letter.message.event.type}: it would come back"
        return ""


def in_sequence(letters: Sequence[Letter]) -> list[Letter]:
    """The letters of each group by their sequence, where they were; the others as they are."""
    ordered = [*letters]
    for group in {letter.group for letter in letters}:
        places = [n for n, each in enumerate(letters) if each.group == group and each.sequence is not None]
        by_sequence = sorted((letters[n] for n in places), key=lambda each: each.sequence or 0)
        for n, letter in zip(places, by_sequence, strict=True):
            ordered[n] = letter
    return ordered
