"""A queue that keeps what it gets, and drops repeats where it is FIFO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from testing.scheduler import Scheduler
from testing.sns.queues import NO_ATTRIBUTES, Attributes


class QueueRefused(Exception):
    """What SQS refuses, as a client error."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = code


@dataclass(frozen=True)
class Got:
    """A message that has arrived."""

    body: str
    attributes: dict[str, Any]
    group: str | None
    deduplication_id: str | None
    at: float


class FakeQueue:
    """What has arrived is in `got`. While `refuses` is set, nothing does."""

    def __init__(self, name: str, scheduler: Scheduler) -> None:
        self.arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
        self.fifo = name.endswith(".fifo")
        self.got: list[Got] = []
        self.refuses: str | None = None
        self._scheduler = scheduler
        self._seen: dict[str | None, float] = {}

    @property
    def bodies(self) -> list[str]:
        return [each.body for each in self.got]

    def send(
        self,
        body: str,
        *,
        attributes: Attributes = NO_ATTRIBUTES,
        group: str | None = None,
        deduplication_id: str | None = None,
    ) -> str:
        if self.refuses is not None:
            raise QueueRefused(self.refuses)
        now = self._scheduler.now
        if self.fifo:
            if now < self._seen.get(deduplication_id, -1000.0) + 300:
                return "dropped"
            self._seen[deduplication_id] = now
        self.got.append(
            Got(body, {name: dict(value) for name, value in attributes.items()}, group, deduplication_id, now)
        )
        return f"message {len(self.got)}"
