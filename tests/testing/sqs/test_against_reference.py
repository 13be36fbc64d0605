"""Thousands of random operations, time included, on a queue and on a simple-minded model of one.

Whatever is given may be given, as much as can be is given, and everything that is told about the queue agrees.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from testing.scheduler import Scheduler
from testing.sqs import Queue, Received, Sqs
from tests.testing.sqs.observing import redrive_policy
from tests.testing.sqs.reference import Held, Reference

RETENTION_SECONDS = 60
MAX_RECEIVE_COUNT = 4
VISIBILITY_SECONDS = 30
RUNS = 6
OPERATIONS = 400


class Pair:
    """A queue and its model, and who has received what."""

    def __init__(self, seed: int, *, fifo: bool, shuffles: bool, expires: bool) -> None:
        self.chance = random.Random(seed)
        self.scheduler = Scheduler(seed)
        sqs = Sqs(self.scheduler)
        end = ".fifo" if fifo else ""
        self.dead = sqs.create_queue(f"dead{end}")
        retention = RETENTION_SECONDS if expires else 1_000_000
        attributes = {"VisibilityTimeout": str(VISIBILITY_SECONDS), "MessageRetentionPeriod": str(retention)}
        if fifo:
            attributes |= {"ContentBasedDeduplication": "true", "DelaySeconds": str(self.chance.choice((0, 5)))}
        self.queue: Queue = sqs.create_queue(
            f"queue{end}", {**attributes, "RedrivePolicy": redrive_policy(self.dead, MAX_RECEIVE_COUNT)}
        )
        self.queue.shuffles = shuffles
        self.queue.old_handles_act = 1.0
        self.model = Reference(fifo=fifo, retention_seconds=retention, max_receive_count=MAX_RECEIVE_COUNT)
        self.fifo = fifo
        self.received: list[Received] = []
        self.deleted: list[Held] = []
        self.buried = 0
        self.watched: float | None = None
        self.queue.watch = self.look
        self.sent = 0
        self.ids: dict[str, str] = {}

    @property
    def operations(self) -> tuple[Callable[[], None], ...]:
        """What can be done, the more often the likelier."""
        return (
            *(self.send,) * 3,
            *(self.receive,) * 3,
            *(self.delete,) * 2,
            self.change_visibility,
            self.redeliver,
            *(self.pass_time,) * 2,
        )

    @property
    def now(self) -> float:
        return self.scheduler.now

    def look(self) -> None:
        """What somebody who watches knows of when to come."""
        self.watched = self.queue.ready_at()

    def send(self) -> None:
        self.sent += 1
        body, group = f"body {self.sent}", f"g{self.chance.randrange(4)}"
        delay = self.queue.settings.delay_seconds
        if not self.fifo and self.chance.random() < 0.3:
            delay = self.chance.choice((5, 20))
            self.ids[body] = self.queue.send(body, group=group, delay_seconds=delay)
        else:
            self.ids[body] = self.queue.send(body, group=group)
        self.model.send(body, group, self.now, delay)

    def receive(self) -> None:
        most, timeout = self.chance.randint(1, 6), self.chance.choice((None, None, 0, 5, 60))
        given = self.queue.receive(most, timeout)
        letters = [letter.body for letter in self.dead.messages()]
        moved, self.buried = letters[self.buried :], len(letters)
        for body in moved:
            self.model.bury(body, self.now)
        available = {each.body: each for each in self.model.available(self.now)}
        if not (self.fifo and moved):  # a group from which something was moved may give less
            assert len(given) == min(most, len(available)) or len(given) == len(available)
        assert all(available[each.body].receive_count < MAX_RECEIVE_COUNT for each in given)
        for group in sorted({each.group or "" for each in given}) if self.fifo else ():
            expected = [each.body for each in available.values() if each.group == group]
            taken = [each.body for each in given if each.group == group]
            assert taken == expected[: len(taken)]
        if not self.queue.shuffles and not self.fifo:
            assert [each.body for each in given] == list(available)[: len(given)]
        for each in given:
            count = self.model.give(each.body, self.now, VISIBILITY_SECONDS if timeout is None else timeout)
            assert each.receive_count == count
        self.received += given

    def can_act(self, received: Received) -> bool:
        """Whether a handle can do something: on a standard queue any of a message that is there."""
        held = self.model.find(received.body)
        if held is None or not self.fifo:
            return held is not None
        return held.receive_count == received.receive_count and held.visible_at > self.now

    def delete(self) -> None:
        if self.received:
            received = self.received.pop(self.chance.randrange(len(self.received)))
            acts = self.can_act(received)
            assert self.queue.delete(received.receipt_handle) == acts
            held = self.model.find(received.body)
            if acts and held is not None:
                self.model.held.remove(held)
                self.deleted.append(held)

    def change_visibility(self) -> None:
        if self.received:
            received, seconds = self.chance.choice(self.received), self.chance.choice((0, 0, 3, 40, 90))
            acts = self.can_act(received)
            assert self.queue.change_visibility(received.receipt_handle, seconds) == acts
            held = self.model.find(received.body)
            if acts and held is not None:
                held.visible_at = self.now + seconds

    def redeliver(self) -> None:
        """What is in flight, or was deleted, as long as it is not too old; on a standard queue only."""
        candidates = [*self.deleted, *(each for each in self.model.held if each.receive_count)]
        if not candidates:
            return
        held = self.chance.choice(candidates)
        message_id = self.ids[held.body]
        was_deleted, is_old = held in self.deleted, held.sent_at + self.model.retention_seconds <= self.now
        possible = not self.fifo and not is_old and (was_deleted or held.visible_at > self.now)
        assert self.queue.redeliver(message_id) == possible
        if possible and was_deleted:
            self.deleted.remove(held)
            self.model.restore(held, self.now)
        elif possible:
            held.visible_at = self.now

    def pass_time(self) -> None:
        """A little, or until something happens."""
        when = self.model.ready_at(self.now)
        if when is not None and when > self.now and self.chance.random() < 0.5:
            self.scheduler.now = when
        else:
            self.scheduler.now += self.chance.choice((0.5, 3.0, 10.0))
        self.model.expire(self.now)

    def compare(self) -> None:
        counts = self.queue.counts
        assert (counts.visible, counts.not_visible, counts.delayed) == self.model.counts(self.now)
        ready_at, expected = self.queue.ready_at(), self.model.ready_at(self.now)
        if expected is None:
            # A message that will be too old before it is visible: it may be looked for in vain, once.
            assert ready_at is None or ready_at > self.now
        else:
            assert ready_at is not None
            assert ready_at <= expected
            assert (ready_at == self.now) == (expected == self.now)
        assert [message.body for message in self.queue.messages()] == [each.body for each in self.model.held]


@pytest.mark.parametrize("expires", [False, True], ids=["kept", "expiring"])
@pytest.mark.parametrize(
    ("fifo", "shuffles"), [(True, False), (False, True), (False, False)], ids=["fifo", "shuffled", "in order"]
)
def test_random_operations_have_the_outcomes_of_the_model(fifo: bool, shuffles: bool, expires: bool) -> None:
    """Thousands of operations, in some runs."""
    happened: Counter[str] = Counter()
    for seed in range(RUNS):
        pair = Pair(seed, fifo=fifo, shuffles=shuffles, expires=expires)
        for _ in range(OPERATIONS):
            pair.chance.choice(pair.operations)()
            pair.compare()
        counts = pair.queue.counts
        happened.update(deleted=counts.deleted, moved=counts.moved_out, expired=counts.expired)
    assert min(happened["deleted"], happened["moved"]) > RUNS
    assert (happened["expired"] > RUNS) == expires


@pytest.mark.parametrize("fifo", [True, False], ids=["fifo", "standard"])
def test_ready_at_is_exact_where_nothing_gets_too_old(fifo: bool) -> None:
    """At that time a receive gives something or moves it, and before it does not."""
    for seed in range(RUNS):
        pair = Pair(seed, fifo=fifo, shuffles=not fifo, expires=False)
        for _ in range(OPERATIONS):
            pair.chance.choice(pair.operations)()
            assert pair.queue.ready_at() == pair.model.ready_at(pair.now)


@pytest.mark.parametrize("fifo", [True, False], ids=["fifo", "standard"])
def test_who_watches_is_never_late(fifo: bool) -> None:
    """Who knows what was told, and what was ready after the last receive, misses nothing."""
    for seed in range(RUNS):
        pair = Pair(seed, fifo=fifo, shuffles=not fifo, expires=True)
        for _ in range(OPERATIONS):
            operation = pair.chance.choice(pair.operations)
            operation()
            if operation in (pair.receive, pair.pass_time):
                pair.look()
            expected = pair.queue.ready_at()
            if expected is not None:
                assert pair.watched is not None
                assert pair.watched <= expected


def test_the_same_seed_gives_the_same_run() -> None:
    """Whatever else there is in the process."""
    runs = []
    for _ in range(2):
        pair = Pair(3, fifo=False, shuffles=True, expires=True)
        pair.queue.old_handles_act = 0.5
        seen = []
        for number in range(200):
            pair.queue.send(f"body {number}")
            for message in pair.queue.receive(3, 1):
                seen.append((message.message_id, message.receipt_handle))
            if number % 3:
                seen.append((str(pair.queue.delete(seen[len(seen) // 2][1])), ""))
            pair.scheduler.now += 0.7
        runs.append(seen)
    assert runs[0] == runs[1]
