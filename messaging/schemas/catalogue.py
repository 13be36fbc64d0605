"""What one release of the code publishes and takes: its events, their upcasts and who takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from messaging.events import CATALOGUE, UPCASTS
from messaging.message import Envelope
from messaging.subscription import Subscription
from messaging.topic import Topic
from messaging.topology import ORDERS
from messaging.versions import Upcasts


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Events (classes: one version of one type each), the upcasts of their older versions, the topic that has them."""

    events: Sequence[type[Any]]
    upcasts: Upcasts
    topic: Topic
    envelope: type[Any] = Envelope

    @property
    def latest(self) -> dict[str, int]:
        """The version of each type that this code publishes and brings older ones up to."""
        versions: dict[str, int] = {}
        for event in self.events:
            versions[event.type] = max(event.version, versions.get(event.type, 0))
        return versions

    @property
    def rows(self) -> tuple[Subscription, ...]:
        """Every subscription, the canary's too."""
        return (*self.topic.subscriptions, *([] if self.topic.canary is None else [self.topic.canary]))

    def takers(self, event_type: str) -> list[Subscription]:
        """The rows that take events of a type."""
        return [row for row in self.rows if any(event.type == event_type for event in row.events)]


def _current() -> Catalogue:
    rows = Catalogue(events=(), upcasts=UPCASTS, topic=ORDERS).rows
    named = (event for row in rows for event in (*row.events, *row.emits))
    return Catalogue(
        events=tuple(dict.fromkeys((*CATALOGUE, *named, *ORDERS.announced))), upcasts=UPCASTS, topic=ORDERS
    )


CURRENT = _current()
