"""What became of each published event at each subscription that should have it, as far as anybody can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cli.depths import Depth
from cli.markers import Known, find
from cli.reconciliation.publications import Publication
from messaging.subscription import Subscription


@dataclass(slots=True)
class Balance:
    """One subscription's. Each event that it should have is in exactly one of the lists; `unknown` are those of which
    nobody knows whether its filter takes them.

    dead       buried, and its dead-letter queue holds letters
    waiting    on its way: in the outbox, failed and to be tried again, claimed by a worker, or published just now
    unsettled  nothing tells of it, and its queues hold as many messages that it may be
    missing    nothing tells of it, and its queues do not hold so many: it is lost, or was removed by hand
    """

    consumer: str
    depth: Depth
    applied: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    note: str = ""

    @property
    def expected(self) -> int:
        """How many events it should have."""
        return sum(map(len, (self.applied, self.dead, self.waiting, self.unsettled, self.missing)))

    def settle(self, absent: Sequence[str], unreadable: int) -> None:
        """Say of events that nothing tells of whether they can still be somewhere. So many letters are known to hold
        no event."""
        depth = self.depth
        # What lies there beyond the letters that are accounted for: SQS buries a message that its function did not
        # survive without a record of it.
        nameless = max(0, depth.dead - len(self.dead) - unreadable) + depth.undelivered + depth.total
        if not absent:
            return
        if len(absent) <= nameless:
            self.unsettled += absent
            self.note = f"{nameless:,} messages in its queues may be those: look again when it is drained"
        else:
            self.missing += absent
            if nameless:
                self.note = f"{nameless:,} of the missing may be in its queues"


def balances(
    publications: Sequence[Publication],
    rows: Sequence[Subscription],
    depths: Sequence[Depth],
    *,
    dynamodb: Any,
    tables: Mapping[str, str],
    now: datetime,
    grace: timedelta,
    unreadable: Mapping[str, int] | None = None,
) -> list[Balance]:
    """One for each subscription, in the rows' order. What was published within `grace` is not missed yet; `unreadable`
    says how many letters each consumer has buried that hold no event.

    Queues were counted before the tables are read: what was in a queue then and is applied now is applied. Raises
    CliError where the tables can't be read.
    """
    by_consumer = {depth.consumer: depth for depth in depths}
    found = []
    for row in rows:
        balance = Balance(row.consumer, by_consumer[row.consumer])
        wanted = {each.event_id: each for each in publications if each.is_for(row) is not False}
        absent: list[str] = []
        for known in find(dynamodb, tables, [row], wanted):
            publication = wanted[known.event_id]
            kept = _list_of(balance, publication, row, known, now - grace)
            (absent if kept is None else kept).append(known.event_id)
        balance.settle(absent, (unreadable or {}).get(row.consumer, 0))
        found.append(balance)
    return found


def _list_of(
    balance: Balance, publication: Publication, row: Subscription, known: Known, recent: datetime
) -> list[str] | None:
    """Where an event belongs; None where nothing tells of it."""
    depth = balance.depth
    if known.applied:
        return balance.applied
    if publication.is_for(row) is None and known.failure is None and known.marker is None:
        return balance.unknown
    if known.dead and depth.dead:
        return balance.dead
    if publication.in_outbox or known.claimed or (publication.at is not None and publication.at > recent):
        return balance.waiting
    if known.failure is not None and not known.dead:
        if depth.total:
            return balance.waiting
        if depth.dead:
            return balance.dead  # SQS has moved it
    return None
