"""One call with a fault: what its caller sees, and what becomes of it."""

from __future__ import annotations

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from testing.functions.process import Killed
from tests.testing.functions.region import Region

SEEDS = range(20)


class Attempt:
    """One call that writes an item, with a fault: what the caller sees, when, and what is written by then."""

    def __init__(self, region: Region, fault: str | None, *, lives_seconds: float = float("inf")) -> None:
        self.process = region.process(lives_seconds=lives_seconds)
        self.landed_at: float | None = None
        self.seconds = 0.0
        self._region = region
        self._began_at = region.scheduler.now
        region.store.watch("things", lambda _: self._land())
        if fault is not None:
            region.faults.inject(fault)
        self.result = region.run(self._make)
        self.written_at_last = region.things() == ["a"]

    def _land(self) -> None:
        self.landed_at = self._region.scheduler.now - self._began_at

    def _make(self) -> object:
        try:
            return self._region.put(self.process, "a")
        except (Killed, ClientError, ConnectTimeoutError, ReadTimeoutError) as error:
            return error
        finally:
            self.seconds = self._region.scheduler.now - self._began_at

    @property
    def written_by_then(self) -> bool:
        """When the caller saw the result."""
        return self.landed_at is not None and self.landed_at <= self.seconds


def attempts(fault: str | None) -> list[Attempt]:
    """The same with many seeds, for chance has its part in it."""
    return [Attempt(Region(seed), fault) for seed in SEEDS]
