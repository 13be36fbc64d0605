"""Which old events a replay sends, and why it leaves the others: what would only be buried is no help to anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cli.errors import CliError
from cli.letters.letter import Letter
from cli.letters.selection import matcher
from cli.markers import Known, find
from cli.replaying.sources import OldEvent
from messaging import filters
from messaging.cursor import cursor_key, position
from messaging.effects import Key
from messaging.errors import RetryLater
from messaging.reads import Reader
from messaging.subscription import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which events an operator means, by when they were published, what they are and what they say."""

    since: datetime | None = None
    until: datetime | None = None
    type: str | None = None
    match: str | None = None

    def takes(self, old: OldEvent) -> bool:
        """Whether the operator means this one. Raises UsageError for an expression that is none."""
        message = old.message
        return (
            (self.since is None or message.time >= self.since)
            and (self.until is None or message.time < self.until)
            and (self.type is None or message.event.type == self.type)
            and (self.match is None or matcher(self.match)(letter_of(old)))
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One event of the plan. `why` says why it is not sent; `forgets` is the marker that a forced replay deletes."""

    old: OldEvent
    sends: bool
    why: str = ""
    forgets: Known | None = None


def letter_of(old: OldEvent) -> Letter:
    """An old event as `--match` knows one: as if it were a letter without a reason."""
    return Letter(
        id=old.id,
        body=old.body,
        attributes={},
        group=old.message.partition_key,
        deduplication_id=None,
        sent_at=old.message.time.timestamp(),
        receives=0,
        unsigned="",
    )


def plan(
    olds: Iterable[OldEvent],
    row: Subscription,
    *,
    choice: Choice,
    dynamodb: Any,
    tables: Mapping[str, str],
    now: datetime,
    forget_before: datetime | None = None,
) -> list[Step]:
    """What a replay to one consumer would do with each event that `choice` takes, in the order of publication.

    With `forget_before`, a replay is forced: what was applied before then is applied again. Raises CliError where the
    tables can't be read.
    """
    chosen = sorted((old for old in olds if choice.takes(old)), key=_order)
    known = {each.event_id: each for each in find(dynamodb, tables, [row], dict.fromkeys(old.id for old in chosen))}
    cursors = _cursors(chosen, row, dynamodb, tables)
    seen: set[str] = set()
    steps = []
    for old in chosen:
        judge = _Judge(old, row, known[old.id], cursors.get(old.message.partition_key, 0), now, forget_before)
        steps.append(Step(old, sends=False, why="twice in the source") if old.id in seen else judge.step())
        seen.add(old.id)
    return steps


@dataclass(frozen=True, slots=True)
class _Judge:
    """Of one event and what is known of it."""

    old: OldEvent
    row: Subscription
    known: Known
    cursor: int
    now: datetime
    forget_before: datetime | None

    def step(self) -> Step:
        why = next((why for rule in self._rules() if (why := rule())), "")
        if why:
            return Step(self.old, sends=False, why=why)
        return Step(self.old, sends=True, forgets=self.known if self.known.applied else None)

    def _rules(self) -> Sequence[Callable[[], str]]:
        return (self._not_taken, self._too_late, self._in_doubt, self._contradicted, self._applied, self._stale)

    def _not_taken(self) -> str:
        event = self.old.message.event
        taken = filters.matches(self.row.filter_policy, event.attributes)
        return "" if taken else f"{self.row.consumer} does not take it"

    def _too_late(self) -> str:
        age = (self.now - self.old.message.time).total_seconds()
        if age > self.row.oldest_event_seconds:
            return f"too old: over {self.row.oldest_event_seconds} s, past which no marker would prove a duplicate"
        if self.row.max_age_seconds is not None and age > self.row.max_age_seconds:
            return f"expired: {self.row.consumer} buries what is older than {self.row.max_age_seconds} s"
        return ""

    def _in_doubt(self) -> str:
        return (
            "a worker has claimed it: its call is under way, or nobody knows how it ended" if self.known.claimed else ""
        )

    def _applied(self) -> str:
        if not self.known.applied:
            return ""
        if self.forget_before is None:
            return "applied already"
        if self.known.is_effect:
            return "applied already, and its effect is the proof of it: that can't be forgotten"
        at = applied_at(self.known, self.row)
        if at is None or at >= self.forget_before:
            return "applied already" + (
                "" if at is None else f", at {at:%H:%M:%S}, after {self.forget_before:%H:%M:%S}"
            )
        return ""

    def _contradicted(self) -> str:
        marker = self.known.marker or {}
        if self.known.applied and marker.get("payload_hash", self.old.message.payload_hash) != (
            self.old.message.payload_hash
        ):
            return "conflict: its id was applied with other contents"
        return ""

    def _stale(self) -> str:
        sequence = self.old.message.sequence
        if not self.row.keeps_cursor or sequence is None or sequence > self.cursor:
            return ""
        return f"stale: sequence {sequence}, and its group is at {self.cursor}"


def applied_at(known: Known, row: Subscription) -> datetime | None:
    """When an event was applied; a lease says only until when its marker is kept. None: it does not tell."""
    if known.applied_at is not None:
        return datetime.fromisoformat(known.applied_at)
    if known.expires_at is None or "delivery_id" not in (known.marker or {}):
        return None
    return datetime.fromtimestamp(known.expires_at.timestamp() - row.marker_lifetime_seconds, known.expires_at.tzinfo)


def _order(old: OldEvent) -> tuple[datetime, int]:
    return old.message.time, old.message.sequence or 0


def _cursors(olds: Iterable[OldEvent], row: Subscription, dynamodb: Any, tables: Mapping[str, str]) -> dict[str, int]:
    """Where each group's cursor stands."""
    if not row.keeps_cursor:
        return {}
    keys: dict[str, Key] = {
        old.message.partition_key: cursor_key(row.consumer, old.message.partition_key)
        for old in olds
        if old.message.sequence is not None
    }
    try:
        found = Reader(dynamodb, tables=tables).fetch(keys.values())
    except RetryLater as error:
        raise CliError(f"the inbox can't be read: {error}. Nothing was sent; try again") from error
    return {group: position(found[key]) for group, key in keys.items()}
