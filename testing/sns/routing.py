"""Which subscriptions take a message. Messages with equal attributes go the same way, which is decided once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from testing.sns.attributes import admit, size_bytes, strings
from testing.sns.queues import Attributes
from testing.sns.subscription import Subscription

MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Route:
    """Where messages with some attributes go."""

    attributes: dict[str, dict[str, Any]]
    attributes_bytes: int
    takers: tuple[Subscription, ...]
    others: tuple[Subscription, ...]


class Routing:
    """The subscriptions of one topic, in the order in which they were made."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, Subscription] = {}
        self._routes: dict[Hashable, Route] = {}

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """All of them."""
        return tuple(self._subscriptions.values())

    def add(self, subscription: Subscription) -> None:
        """From now on it takes part."""
        self._subscriptions[subscription.arn] = subscription
        self._routes.clear()

    def remove(self, subscription: Subscription) -> None:
        """From now on it does not."""
        del self._subscriptions[subscription.arn]
        self._routes.clear()

    def route(self, attributes: Attributes) -> Route:
        """Where a message with these attributes goes. Raises Refused where one is invalid."""
        key = tuple([(name, *value.items()) for name, value in attributes.items()])
        route = self._routes.get(key)
        if route is None:
            if len(self._routes) >= MAX_REMEMBERED:
                self._routes.clear()
            route = self._routes[key] = self._find(admit(attributes))
        return route

    def _find(self, attributes: dict[str, dict[str, Any]]) -> Route:
        seen = strings(attributes)
        takers: list[Subscription] = []
        others: list[Subscription] = []
        for subscription in self._subscriptions.values():
            (takers if subscription.wants(attributes, seen) else others).append(subscription)
        return Route(attributes, size_bytes(attributes), tuple(takers), tuple(others))
