"""The producer of a world: publishes what a test gives it, in order, and starts again when it dies."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from messaging.events import Event
from messaging.outgoing import Draft
from messaging.publish_report import PublishReport
from testing.faults import Fault, Options
from testing.functions.process import Killed, Process

if TYPE_CHECKING:
    from testing.world import World

NAME = "producer"
RESTART_SECONDS = 5.0
PAUSE_SECONDS = 2.0
# SNS drops repeats for five minutes: https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html
LATE_SECONDS = 400.0
_REPEATS: Options = (Fault.PUBLISHED_AGAIN, Fault.RESENT_LATE)


class Producer:
    """One producer. `reports` tell what came of each attempt to publish, repeats among them."""

    def __init__(self, world: World) -> None:
        self.reports: list[PublishReport] = []
        self._world = world
        self._process = Process(world, NAME)
        self._waiting: deque[tuple[Sequence[Event | Draft], str | None]] = deque()

    @property
    def unpublished(self) -> int:
        """How many events it has not yet got rid of."""
        return sum(len(events) for events, _ in self._waiting)

    def take(self, events: Sequence[Event | Draft], resend: str | None) -> None:
        """Publish when the world runs, after all that was taken before."""
        self._waiting.append((events, resend))
        if len(self._waiting) == 1:
            self._world.scheduler.spawn(self._work)

    def _work(self) -> None:
        while self._waiting:
            events, resend = self._waiting[0]
            self._publish(events, resend)
            fault = self._world.fault(NAME, _REPEATS)
            if fault is Fault.PUBLISHED_AGAIN:
                self._publish(events, resend)
            elif fault is Fault.RESENT_LATE:
                self._world.scheduler.after(LATE_SECONDS, partial(self.take, events, "late"))
            self._waiting.popleft()

    def _publish(self, events: Sequence[Event | Draft], resend: str | None) -> None:
        """Until the topic has accepted all that it ever will."""
        while events:
            try:
                report = self._world.publisher(self._process).publish(events, resend=resend)
            except Killed:
                self._process = Process(self._world, NAME)
                self._world.scheduler.sleep(RESTART_SECONDS)
                continue
            self.reports.append(report)
            refused = {entry.event_id for entry in report.failed if not entry.final}
            events = [each for each in events if _event(each).event_id in refused]
            if events:
                self._world.scheduler.sleep(PAUSE_SECONDS)


def _event(event: Event | Draft) -> Event:
    return event.event if isinstance(event, Draft) else event
