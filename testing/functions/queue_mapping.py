"""Lambda's event source mapping on an SQS queue: polls, invokes, and deletes what the function does not hand back."""

from __future__ import annotations

import base64
from functools import partial
from typing import Any

from testing.faults import Fault, Options
from testing.functions.fleet import Fleet, FunctionError
from testing.functions.process import Surroundings
from testing.functions.responses import failed_ids
from testing.scheduler import Timer
from testing.sqs import Queue, Received, digests
from testing.sqs.receiving import system_attributes

POLL_SECONDS = 0.05  # a poller finds what has come to a queue; by then more has
DELETE_SECONDS = 0.005
_ACKNOWLEDGEMENT: Options = (Fault.ACKNOWLEDGEMENT_LOST,)
_DUPLICATE: Options = (Fault.ACKNOWLEDGEMENT_LOST, Fault.DELIVERED_AGAIN)


class QueueMapping:
    """One queue's mapping. `reports_failures` is `ReportBatchItemFailures`: without it, the answer is not read.

    A batch goes when it is full, or when the window is over since its first message was ready; 6 MB, at which AWS's are
    full too, are not looked at.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html#invocation-eventsourcemapping-batching
    """

    def __init__(
        self,
        world: Surroundings,
        queue: Queue,
        fleet: Fleet,
        *,
        batch_size: int,
        window_seconds: float,
        maximum_concurrency: int,
        reports_failures: bool = True,
    ) -> None:
        self.deliveries = 0
        self.busy = 0
        self._world = world
        self._queue = queue
        self._fleet = fleet
        self._batch_size = batch_size
        self._window_seconds = window_seconds
        self._maximum_concurrency = maximum_concurrency
        self._reports_failures = reports_failures
        self._enabled = True
        self._timer: Timer | None = None
        self._polls_at = float("inf")
        queue.watch = self._wake
        self._wake()  # of what is there already

    def enable(self, enabled: bool = True) -> None:
        """Start or stop polling; what is begun goes on."""
        self._enabled = enabled
        self._wake()

    def _wake(self) -> None:
        """See to it that somebody polls as soon as there is something to get."""
        scheduler = self._world.scheduler
        if not self._enabled or self.busy >= self._maximum_concurrency:
            return
        if self._polls_at <= scheduler.now + POLL_SECONDS:
            return
        ready_at = self._queue.ready_at()
        if ready_at is None:
            return
        full = self._queue.holdings.ready >= self._batch_size
        polls_at = max(ready_at, scheduler.now) + (POLL_SECONDS if full else max(self._window_seconds, POLL_SECONDS))
        if polls_at < self._polls_at:
            if self._timer is not None:
                self._timer.cancel()
            self._polls_at = polls_at
            self._timer = scheduler.at(polls_at, self._poll)

    def _poll(self) -> None:
        self._timer, self._polls_at = None, float("inf")
        while self._enabled and self.busy < self._maximum_concurrency:
            batch = self._queue.receive(self._batch_size)
            if not batch:
                break
            self.busy += 1
            self.deliveries += len(batch)
            self._world.scheduler.spawn(partial(self._invoke, batch))
        self._wake()

    def _invoke(self, batch: list[Received]) -> None:
        trace, doing = self._world.trace, f"{self._fleet.name}/{self._fleet.invocations + 1}"
        for each in batch:
            trace.link_by_text(each.message_id, each.body)
            trace.link(doing, each.message_id)
            trace.note(each.message_id, f"{doing} gets it, {each.receive_count} times so far")
        event = {"Records": [record(each, self._queue.arn, buffered=self._window_seconds > 0) for each in batch]}
        try:
            answer = self._fleet.invoke(event)
        except FunctionError as error:
            trace.note(doing, f"fails: {error}")
        else:
            self._settle(batch, answer, doing)
        finally:
            self.busy -= 1
            self._wake()

    def _settle(self, batch: list[Received], answer: Any, doing: str) -> None:
        """Delete what is done. What is not comes again when it is visible."""
        ids = [each.message_id for each in batch]
        failed = dict.fromkeys(failed_ids(answer, ids) if self._reports_failures else [])
        world = self._world
        fault = world.fault(f"{self._fleet.name} acknowledgement", _ACKNOWLEDGEMENT if self._queue.fifo else _DUPLICATE)
        world.scheduler.sleep(DELETE_SECONDS)
        for each in batch:
            if each.message_id in failed:
                world.trace.note(each.message_id, f"{doing} hands it back")
            elif fault is Fault.ACKNOWLEDGEMENT_LOST:
                world.trace.note(each.message_id, f"{doing} has done with it, and its deletion is lost")
            else:
                deleted = self._queue.delete(each.receipt_handle)
                world.trace.note(
                    each.message_id, f"{doing} has done with it" + ("" if deleted else ", too late to delete")
                )
        if fault is Fault.DELIVERED_AGAIN:
            again = batch[world.scheduler.random.randrange(len(batch))]
            world.trace.note(again.message_id, "is delivered once more")
            self._queue.redeliver(again.message_id)


def record(received: Received, arn: str, *, buffered: bool) -> dict[str, Any]:
    """One record of the event that Lambda hands over; `buffered` where the mapping has a batching window.

    Where there are no attributes, AWS was recorded to leave out their digest without a window and to make it null with
    one: so it is in every record of LocalStack's test_lambda_integration_sqs.snapshot.json.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    shown: dict[str, Any] = {
        "messageId": received.message_id,
        "receiptHandle": received.receipt_handle,
        "body": received.body,
        "attributes": system_attributes(received),
        "messageAttributes": {name: _attribute(value) for name, value in received.attributes.items()},
        "md5OfBody": received.md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": arn.split(":")[3],
    }
    if received.attributes:
        shown["md5OfMessageAttributes"] = digests.of_attributes(received.attributes)
    elif buffered:
        shown["md5OfMessageAttributes"] = None
    return shown


def _attribute(value: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "StringValue" in value:
        shown["stringValue"] = value["StringValue"]
    else:
        shown["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return shown
