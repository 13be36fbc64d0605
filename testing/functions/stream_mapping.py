"""Lambda's event source mapping on a table's stream: in order, until the function has taken each record.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

from __future__ import annotations

from typing import Any

from testing.dynamodb import Store
from testing.faults import Fault
from testing.functions.fleet import Fleet, FunctionError
from testing.functions.process import Surroundings
from testing.functions.responses import failed_ids

POLL_SECONDS = 0.2
LONGEST_BACK_OFF_SECONDS = 60.0
_MOST_DOUBLINGS = 7  # of half a second; that is longer


class StreamMapping:
    """The mapping of one table: of one shard, with `ReportBatchItemFailures` and `BisectBatchOnFunctionError`.

    Of the records only `event_names` reach the function. While it is not `enabled`, none does: that is what an operator
    can do to a mapping before anything is written.
    """

    def __init__(
        self,
        world: Surroundings,
        store: Store,
        table: str,
        fleet: Fleet,
        *,
        batch_size: int = 100,
        event_names: tuple[str, ...] = ("INSERT",),
    ) -> None:
        self.deliveries = 0
        self.enabled = True
        self._world = world
        self._store = store
        self._table = table
        self._fleet = fleet
        self._batch_size = batch_size
        self._event_names = event_names
        self._pending: list[dict[str, Any]] = []
        self._read_up_to: str | None = None
        self._running = False
        store.watch(table, lambda _: self._wake())

    @property
    def idle(self) -> bool:
        """Whether the function has taken all there is."""
        return not self._running

    def _wake(self) -> None:
        if self.enabled and not self._running:
            self._running = True
            self._world.scheduler.after(POLL_SECONDS, lambda: self._world.scheduler.spawn(self._drain))

    def _drain(self) -> None:
        """Invoke until nothing is left. Failures come again, from the first on, in half the batch after an error."""
        failures, most = 0, self._batch_size
        while self._fetch():
            batch = self._pending[:most]
            if self._world.fault(f"{self._fleet.name} stream", (Fault.STREAM_RECORDS_LOST,)):
                del self._pending[: len(batch)]
                continue
            taken, broke = self._invoke(batch)
            del self._pending[:taken]
            failures = 0 if taken else failures + 1
            most = max(1, len(batch) // 2) if broke else self._batch_size
            if taken < len(batch):
                self._world.scheduler.sleep(min(LONGEST_BACK_OFF_SECONDS, 0.5 * 2 ** min(failures, _MOST_DOUBLINGS)))
        self._running = False

    def _fetch(self) -> bool:
        records = self._store.stream(self._table, self._read_up_to)
        if records:
            self._read_up_to = records[-1]["dynamodb"]["SequenceNumber"]
            self._store.forget_stream(self._table, self._read_up_to)
            self._pending += [each for each in records if each["eventName"] in self._event_names]
        return bool(self._pending)

    def _invoke(self, batch: list[dict[str, Any]]) -> tuple[int, bool]:
        """How many records the function has taken, and whether it broke."""
        self.deliveries += len(batch)
        try:
            answer = self._fleet.invoke({"Records": batch})
        except FunctionError:
            return 0, True
        numbers = [each["dynamodb"]["SequenceNumber"] for each in batch]
        failed = failed_ids(answer, numbers)
        return min((numbers.index(number) for number in failed), default=len(batch)), False
