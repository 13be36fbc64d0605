"""Publishes drafts in portions at a pace, and tells each one's outcome as it is known."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal, Protocol

from cli.pace import Pace
from messaging.events import Event
from messaging.outgoing import Draft

if TYPE_CHECKING:
    from messaging.publish_report import PublishReport

Fate = Literal["published", "unrouted", "failed"]

# In one call of the publisher: enough to fill its batches, and soon said.
PORTION = 100


class Publishes(Protocol):
    """What is needed of messaging.publisher.Publisher."""

    def publish(self, events: Sequence[Event | Draft], *, resend: str | None = None) -> PublishReport:
        """Send events and say of each where it went."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where one event went. `unrouted`: the topic has it, and no subscription takes it, so nobody ever will."""

    event_id: str
    type: str
    outcome: Fate
    detail: str = ""
    duplicate: bool = False


def publish(
    publisher: Publishes,
    drafts: Sequence[Draft],
    *,
    pace: Pace,
    duplicates: int = 0,
    run: str,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> Iterator[Outcome]:
    """Publish the drafts in order, then `duplicates` of those that the topic has accepted, chosen by `seed`, again.

    A repeat has a deduplication id of its own, by `run`, so that the topic passes it on and the consumers' inboxes
    have to suppress it.
    """
    accepted: list[Draft] = []
    by_id = {draft.event.event_id: draft for draft in drafts}
    for outcome in _publish(publisher, drafts, None, pace, advance):
        if outcome.outcome != "failed":
            accepted.append(by_id[outcome.event_id])
        yield outcome
    for number, repeats in enumerate(_repeats(accepted, duplicates, seed)):
        yield from _publish(publisher, repeats, f"{run}-{number}", pace, advance)


def _publish(
    publisher: Publishes, drafts: Sequence[Draft], resend: str | None, pace: Pace, advance: Callable[[int], None]
) -> Iterator[Outcome]:
    rest = iter(drafts)
    while portion := list(islice(rest, pace.portion(PORTION))):
        pace.wait(len(portion))
        report = publisher.publish(portion, resend=resend)
        types = {draft.event.event_id: draft.event.type for draft in portion}
        yield from _outcomes(report, types, duplicate=resend is not None)
        advance(len(portion))


def _outcomes(report: PublishReport, types: Mapping[str, str], *, duplicate: bool) -> Iterator[Outcome]:
    unrouted = {*report.unrouted}
    for event_id in report.published:
        if event_id in unrouted:
            yield Outcome(event_id, types[event_id], "unrouted", "no subscription's filter takes it", duplicate)
        else:
            yield Outcome(event_id, types[event_id], "published", duplicate=duplicate)
    for failure in report.failed:
        detail = f"{failure.code}: {failure.reason}"
        yield Outcome(failure.event_id, types[failure.event_id], "failed", detail, duplicate)


def _repeats(accepted: Sequence[Draft], count: int, seed: int) -> Iterator[list[Draft]]:
    """Rounds of accepted events; within one round no event comes twice, as one deduplication id would hide it."""
    source = random.Random(seed)
    once = [*{draft.event.event_id: draft for draft in accepted}.values()]
    while count and once:
        size = min(count, len(once))
        yield source.sample(once, size)
        count -= size
