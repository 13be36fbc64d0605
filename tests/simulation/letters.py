"""Whether a dead letter is where it belongs, for a reason that is true."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from datetime import datetime

from messaging.cursor import cursor_key
from messaging.items import attributes, plain
from testing.world import DeadLetter, World
from tests.simulation.workload import REASONS, Kind, Publication

# What may be wrong with a world.
LOST, DOUBLE, OUT_OF_ORDER, NEEDLESS = "lost", "double", "out of order", "needless dead letter"
UNTRUE, LEAKED, UNBALANCED, UNDRAINED = "untrue reason", "payload in a log", "totals are wrong", "not drained"

_EVENT_ID = re.compile(r"(?:OrderPlaced|OrderCancelled|StockReserved|StockRefused)-\d+")
# Two clocks, each wrong by up to a minute.
MOST_SKEW_SECONDS = 120.0


def event_id_of(letter: DeadLetter) -> str:
    """Whose dead letter it is."""
    return event_id_in(letter.message.body)


def event_id_in(body: str) -> str:
    """The first event id in a text, whatever else is wrong with it."""
    found = _EVENT_ID.search(body)
    return found[0] if found else "unknown"


class Judge:
    """Of one consumer's dead letters. `dead` are the events that are or were dead, or were never delivered."""

    def __init__(
        self, world: World, consumer: str, publications: Mapping[str, Publication], dead: Collection[str]
    ) -> None:
        self._world = world
        self._row = world.deployed[consumer].row
        self._publications = publications
        self._first_dead: dict[str, int] = {}
        for event_id in dead:
            known = publications.get(event_id)
            if known is not None and known.sequence is not None:
                first = self._first_dead.get(known.group, known.sequence)
                self._first_dead[known.group] = min(first, known.sequence)

    def fault(self, event_id: str, letter: DeadLetter, *, applied: bool, gives_reasons: bool) -> tuple[str, str] | None:
        """What is wrong with a letter, and in detail; None where it is right."""
        publication = self._publications.get(event_id)
        kind = publication.kind if publication is not None else Kind.GOOD
        reason = letter.reason
        if reason is None:
            if kind is Kind.GOOD:
                return NEEDLESS, "SQS gave it up"
            return (UNTRUE, f"SQS gave it up, and it is {kind.value}") if gives_reasons else None
        if reason in REASONS[kind] or (kind is Kind.TAMPERED and not applied and reason == "in_doubt"):
            return None
        return self._reasoned(reason, publication, letter, applied=applied and kind is Kind.GOOD)

    def _reasoned(
        self, reason: str, publication: Publication | None, letter: DeadLetter, *, applied: bool
    ) -> tuple[str, str] | None:
        match reason:
            case "stale":
                wrong = applied or publication is None or not self._is_passed(publication)
            case "held":
                wrong = publication is None or not self._is_behind_a_dead_one(publication)
            case "expired":
                # A call whose record lands after its lease is both: nobody could know when it expired.
                wrong = (applied and not self._row.has_external_effects) or not self._is_late(letter)
            case "in_doubt":  # where a fault struck; that the call was made only once is seen elsewhere
                wrong = not self._row.has_external_effects
            case _:
                return NEEDLESS, f"{reason}: {letter.facts}"
        return (UNTRUE, reason) if wrong else None

    def _is_passed(self, publication: Publication) -> bool:
        """Whether its group's cursor stands at it or after it."""
        key = attributes(cursor_key(self._row.consumer, publication.group).attributes)
        cursor = self._world.backend("dynamodb").get_item(TableName="inbox", Key=key).get("Item")
        sequence = publication.sequence
        return sequence is not None and cursor is not None and plain(cursor)["sequence"] >= sequence

    def _is_behind_a_dead_one(self, publication: Publication) -> bool:
        first = self._first_dead.get(publication.group)
        return first is not None and publication.sequence is not None and first < publication.sequence

    def _is_late(self, letter: DeadLetter) -> bool:
        most = self._row.max_age_seconds
        if most is None or letter.facts is None:
            return False
        published_at = datetime.fromisoformat(json.loads(letter.message.body)["time"])
        parked_at = datetime.fromisoformat(letter.facts["last_attempt_at"])
        return (parked_at - published_at).total_seconds() > most - MOST_SKEW_SECONDS
