"""A queue as simple as can be: lists, and a look at every message each time. What the quick one must agree with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Held:
    """A message: delayed or in flight until `visible_at`."""

    number: int
    body: str
    group: str
    sent_at: float
    visible_at: float
    receive_count: int = 0


class Reference:
    """A standard or a FIFO queue that gives nothing by itself: it knows what may be given."""

    def __init__(self, *, fifo: bool, retention_seconds: float, max_receive_count: int) -> None:
        self.fifo = fifo
        self.retention_seconds = retention_seconds
        self.max_receive_count = max_receive_count
        self.held: list[Held] = []
        self.sent: list[str] = []

    def send(self, body: str, group: str, now: float, delay: float) -> None:
        self.held.append(Held(len(self.sent), body, group, now, now + delay))
        self.sent.append(body)

    def expire(self, now: float) -> None:
        self.held = [each for each in self.held if each.sent_at + self.retention_seconds > now]

    def find(self, body: str) -> Held | None:
        return next((each for each in self.held if each.body == body), None)

    def available(self, now: float) -> list[Held]:
        """What a receive could give, or move: on a FIFO queue, of each group what is before the first hidden one."""
        stopped: set[str] = set()
        found = []
        for each in self.held:
            if each.visible_at > now:
                stopped.add(each.group)
            elif not self.fifo or each.group not in stopped:
                found.append(each)
        return found

    def bury(self, body: str, now: float) -> None:
        """It was moved to the dead-letter queue: so it was available, and received too often."""
        held = self.find(body)
        assert held in self.available(now)
        assert held is not None
        assert held.receive_count >= self.max_receive_count
        self.held.remove(held)

    def restore(self, held: Held, now: float) -> None:
        """A deleted message is there again, at its place in the order of sending, and visible."""
        held.visible_at = now
        self.held = sorted([*self.held, held], key=lambda each: each.number)

    def give(self, body: str, now: float, timeout: float) -> int:
        """It was given; how often it has been by now."""
        held = self.find(body)
        assert held is not None
        held.receive_count += 1
        held.visible_at = now + timeout
        return held.receive_count

    def counts(self, now: float) -> tuple[int, int, int]:
        """Visible, in flight, delayed."""
        hidden = [each for each in self.held if each.visible_at > now]
        in_flight = sum(each.receive_count > 0 for each in hidden)
        return len(self.held) - len(hidden), in_flight, len(hidden) - in_flight

    def ready_at(self, now: float) -> float | None:
        """The first of all the times at which something happens at which something is available."""
        times = {now}
        for each in self.held:
            times |= {each.visible_at, each.sent_at + self.retention_seconds}
        for when in sorted(time for time in times if time >= now):
            later = Reference(fifo=self.fifo, retention_seconds=self.retention_seconds, max_receive_count=1)
            later.held = [each for each in self.held if each.sent_at + self.retention_seconds > when]
            if later.available(when):
                return when
        return None
