"""When a world is at rest, and what still waits in one that never is."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import TYPE_CHECKING

from messaging.tables import OUTBOX
from testing.scheduler import Scheduler

if TYPE_CHECKING:
    from testing.world import World

# SQS keeps a message for 14 days at most, so what goes on for longer is not about a message in a queue. Source:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
LONGEST_SECONDS = 15 * 24 * 60 * 60.0


class NeverAtRest(AssertionError):
    """A world goes on and on: the message says what waits in it."""


class Clock(Scheduler):
    """A scheduler that can tell whether it comes to rest."""

    def run_to_rest(self, most_seconds: float) -> bool:
        """Let time go on until nothing waits, but no further than that; whether nothing waits then.

        At rest, it is the time at which something happened last.
        """
        ends_at = self.now + most_seconds
        while self._waiting:
            when, _, timer = self._waiting[0]
            if timer.action is None:
                heapq.heappop(self._waiting)
            elif when > ends_at:
                return False
            else:
                self.run(when)
        return True


def what_waits(world: World) -> Iterator[str]:
    """Sentences for people, one for each place where something waits."""
    if world.producer.unpublished:
        yield f"{world.producer.unpublished} events that the topic does not accept"
    for consumer, deployed in world.deployed.items():
        if on_its_way := deployed.subscription.under_way:
            yield f"{on_its_way} messages on their way from the topic to {consumer}"
        messages = deployed.queue.messages()
        if messages:
            most = max(messages, key=lambda message: message.receive_count)
            yield (
                f"{len(messages)} messages in the queue of {consumer}, one of them received "
                f"{most.receive_count} times (its function was invoked {deployed.fleet.invocations} times and died "
                f"{deployed.fleet.deaths} times)"
            )
    if world.relay is not None and not world.relay.idle:
        yield (
            f"{len(world.store.items(OUTBOX.name))} items in the outbox (the relay was invoked "
            f"{world.relay_fleet.invocations} times and died {world.relay_fleet.deaths} times)"
        )
