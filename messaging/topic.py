"""A topic and everyone who subscribes to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from messaging import filters
from messaging.errors import TopologyError
from messaging.events import CATALOGUE, EventType
from messaging.subscription import CONSUMERS_STACK, Subscription, require

TOPIC_ARN_OUTPUT = "TopicArn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic and everyone who subscribes to it. `announced` are events that nobody needs to take (yet).

    `canary` takes the heartbeats of deployments that have them (`-c canary=on`), and is no subscription of the others.
    """

    name: str
    subscriptions: Sequence[Subscription]
    announced: Sequence[EventType] = ()
    canary: Subscription | None = None
    _policies: Sequence[tuple[Subscription, Mapping[str, list[Any]]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Made once: a publisher asks for every event.
        object.__setattr__(self, "_policies", tuple((row, row.filter_policy) for row in self.subscriptions))
        names = [row.consumer for row in self._rows]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise TopologyError(f"topic {self.name}: more than one row for {', '.join(sorted(twice))}")
        if self.canary is not None:
            require(self.canary.stack == CONSUMERS_STACK, self.canary, f"the canary's stack is {CONSUMERS_STACK!r}")
        for row in self.subscriptions:
            missing = [event.type for event in CATALOGUE if event.numbered and event not in row.events]
            require(row.ordering != "strict" or not missing, row, f"strict waits for each {', '.join(missing)} too")
        prefixes = [row.powertools_prefix for row in self.subscriptions if row.powertools_prefix is not None]
        if len(prefixes) != len(set(prefixes)):
            raise TopologyError(f"topic {self.name}: two rows with one powertools_prefix would share their markers")

    def subscription(self, consumer: str) -> Subscription:
        """The row of one consumer, the canary's too. Raises TopologyError where there is none."""
        for row in self._rows:
            if row.consumer == consumer:
                return row
        raise TopologyError(f"topic {self.name} has no subscription {consumer!r}")

    @property
    def stacks(self) -> tuple[str, ...]:
        """The stacks of consumers, by the ends of their names. The first is there whatever the rows say."""
        return tuple(dict.fromkeys([CONSUMERS_STACK, *(row.stack for row in self.subscriptions)]))

    @property
    def _rows(self) -> Sequence[Subscription]:
        return self.subscriptions if self.canary is None else (*self.subscriptions, self.canary)

    def misses(self, event_type: str, attributes: Mapping[str, str]) -> bool:
        """Whether an event that somebody should take is taken by nobody."""
        return not self.routes(attributes) and event_type not in (event.type for event in self.announced)

    def routes(self, attributes: Mapping[str, str]) -> list[Subscription]:
        """The subscriptions whose filter takes a message with these attributes."""
        return [row for row, policy in self._policies if filters.matches(policy, attributes)]
