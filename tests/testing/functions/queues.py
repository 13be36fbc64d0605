"""Queues, and functions on them that take their time or fail."""

from __future__ import annotations

import json
from typing import Any

from testing.sqs import Queue
from tests.testing.functions.region import Code, Region

VISIBILITY_SECONDS = 30.0


def standard(region: Region, **attributes: str) -> Queue:
    """A standard queue that gives its messages in order."""
    queue = region.sqs.create_queue("jobs", attributes)
    queue.shuffles = False
    return queue


def fifo(region: Region, **attributes: str) -> Queue:
    return region.sqs.create_queue("jobs.fifo", {"ContentBasedDeduplication": "true", **attributes})


def dead_letters(region: Region, queue: Queue, most: int) -> Queue:
    """A dead-letter queue for it."""
    dead = region.sqs.create_queue(f"dead-{queue.name}")
    policy = {"deadLetterTargetArn": dead.arn, "maxReceiveCount": most}
    region.sqs.configure(queue, {"RedrivePolicy": json.dumps(policy)})
    return dead


def send(queue: Queue, *bodies: str) -> None:
    """On a FIFO queue a body begins with its group."""
    for body in bodies:
        queue.send(body, group=body.partition("-")[0] if queue.fifo else None)


class Working(Code):
    """A function that takes its time, the last of `seconds` again and again; `began` is when, `most` how many at
    once."""

    def __init__(self, region: Region, *seconds: float) -> None:
        super().__init__(self._work)
        self.began: list[float] = []
        self.most = 0
        self._now = 0
        self._region = region
        self._seconds = seconds or (1.0,)

    def _work(self, event: Any, context: Any) -> None:
        self.began.append(self._region.scheduler.now)
        self._now += 1
        self.most = max(self.most, self._now)
        context.process.sleep(self._seconds[min(len(self.began), len(self._seconds)) - 1])
        self._now -= 1

    @property
    def since_the_first(self) -> list[float]:
        return [round(when - self.began[0], 1) for when in self.began]


class Failing(Code):
    """A function that raises so many times before it does what another one does."""

    def __init__(self, inner: Code | None = None, *, times: int) -> None:
        super().__init__(self._fail)
        self._inner = inner or Code()
        self._times = times

    def _fail(self, event: Any, context: Any) -> Any:
        answer = self._inner.answer(event, context)
        self._times -= 1
        if self._times >= 0:
            raise ValueError("not yet")
        return answer
