"""Events to a topic: in batches, side by side, in order per message group, every entry accounted for.

Order per group: a group's events all go through one lane, and no batch holds two events of one group, so an entry
that SNS refuses is never overtaken by its successor. When an event is given up, the rest of its group is not sent
either, and reported.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from messaging import refusals
from messaging.errors import InvalidEvent, TooLarge
from messaging.events import Event
from messaging.lanes import Entry, Lane, SideBySide, entry_of, in_threads, lanes_of
from messaging.message import MAX_BODY_BYTES
from messaging.outgoing import Draft, Outgoing, prepare
from messaging.publish_report import HELD_BACK, OUT_OF_TIME, FailedEntry, PublishReport
from messaging.refusals import Refusal
from messaging.sns_form import encode_forms_of
from messaging.topic import Topic
from messaging.tracing import TraceContextSource, clean_traceparent, untraced


class Publisher:
    """Publishes events to one topic.

    `client` is boto3's SNS client. It is used from up to `concurrency` threads at once (boto3 clients are thread-safe,
    and have ten connections unless their Config says otherwise), which `side_by_side` starts: it calls a function for
    each of some things and gives the results in their order.

    `trace_context` is asked once a run, for the `traceparent` of drafts that have none; what is no W3C traceparent is
    not sent.
    """

    def __init__(
        self,
        client: Any,
        *,
        topic: Topic,
        topic_arn: str,
        source: str,
        concurrency: int = 10,
        max_attempts: int = 5,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        side_by_side: SideBySide | None = None,
        trace_context: TraceContextSource = untraced,
    ) -> None:
        self._client = client
        self._topic = topic
        self._topic_arn = topic_arn
        self._source = source
        self._concurrency = concurrency
        self._max_attempts = max_attempts
        self._clock = clock
        self._sleep = sleep
        self._side_by_side = side_by_side or in_threads
        self._trace_context = trace_context

    def publish(self, events: Iterable[Event | Draft], *, resend: str | None = None) -> PublishReport:
        """Send events, in order per message group, and say of each where it went. Raises nothing for a refused event.

        The deduplication id is the event's id: within five minutes SNS accepts a repeat and drops it. `resend` (at most
        27 characters) makes the ids new, for a repeat that must reach the consumers. It follows a `~`, which no event
        id holds, so that no two events share one.
        """
        invalid: list[FailedEntry] = []
        report = self.send(self._prepared(events, invalid), resend=resend)
        return replace(report, failed=(*invalid, *report.failed))

    def send(self, messages: Iterable[Outgoing], *, resend: str | None = None) -> PublishReport:
        """Send messages that are encoded already, such as the outbox's, otherwise like `publish`."""
        outgoing = list(messages)
        began = self._clock()
        failures = self.attempt(outgoing, resend=resend)
        seconds = max(0.0, self._clock() - began) if outgoing else None  # a clock may be set back meanwhile
        accepted = [each for each, failure in zip(outgoing, failures, strict=True) if failure is None]
        return PublishReport(
            published=tuple(each.event_id for each in accepted),
            failed=tuple(failure for failure in failures if failure is not None),
            unrouted=tuple(each.event_id for each in accepted if self._topic.misses(each.event_type, each.attributes)),
            seconds=seconds,
        )

    def attempt(
        self,
        messages: Sequence[Outgoing],
        *,
        resend: str | None = None,
        has_time: Callable[[], bool] = lambda: True,
    ) -> list[FailedEntry | None]:
        """Like `send`, with an answer for each message, in the messages' order: why it failed, or None.

        No request and no wait is begun where `has_time` says no: what is left then fails with OUT_OF_TIME.
        """
        failures: dict[int, FailedEntry] = {}
        entries = []
        for number, each in enumerate(messages):
            if each.size_bytes > MAX_BODY_BYTES:
                failures[number] = FailedEntry(each.event_id, "too_large", each.too_large(), final=True, own_fault=True)
            else:
                entries.append(entry_of(each, number, resend))
        failures |= self._send(entries, has_time)
        return [failures.get(number) for number in range(len(messages))]

    def _prepared(self, events: Iterable[Event | Draft], invalid: list[FailedEntry]) -> Iterator[Outgoing]:
        now, traceparent = datetime.fromtimestamp(self._clock(), UTC), clean_traceparent(self._trace_context())
        for event in events:
            try:
                yield prepare(event, source=self._source, time=now, traceparent=traceparent)
            except (InvalidEvent, TooLarge) as error:
                event_id = (event.event if isinstance(event, Draft) else event).event_id
                code = "invalid" if isinstance(error, InvalidEvent) else "too_large"
                invalid.append(FailedEntry(event_id, code, str(error), final=True, own_fault=True))

    def _send(self, entries: Sequence[Entry], has_time: Callable[[], bool]) -> dict[int, FailedEntry]:
        """The failures, by the entries' numbers."""
        lanes = lanes_of(entries, self._concurrency)
        if lanes:
            encode_forms_of(self._client)  # not before: asked for anything, a function's client is made
        failures: dict[int, FailedEntry] = {}
        for of_lane in self._side_by_side(lambda lane: self._drain(lane, has_time), lanes):
            failures |= of_lane
        return failures

    def _drain(self, lane: Lane, has_time: Callable[[], bool]) -> dict[int, FailedEntry]:
        failures: dict[int, FailedEntry] = {}
        attempts: dict[int, int] = defaultdict(int)
        # Groups whose head was refused for now, and how often at most: the others of the lane need not wait for them.
        resting: dict[str, int] = {}
        while lane.groups and has_time():
            batch = lane.next_batch(resting)
            refused = self._publish_batch(batch) if batch else {}
            for entry in batch:
                refusal = refused.get(entry.request["Id"])
                if refusal is None:
                    lane.remove(entry)
                    continue
                attempts[entry.number] += 1
                if refusal.final or attempts[entry.number] >= self._max_attempts:
                    failures[entry.number] = FailedEntry(
                        entry.event_id, refusal.code, refusal.reason, final=refusal.final, own_fault=refusal.own_fault
                    )
                    for later in lane.give_up(entry):
                        reason = f"event {entry.event_id!r} of its group was not published"
                        failures[later.number] = FailedEntry(later.event_id, HELD_BACK, reason)
                else:
                    resting[entry.group] = attempts[entry.number]
            if resting and len(refused) == len(batch):  # none was accepted, or there was none to send
                if has_time():
                    self._sleep(random.uniform(0, min(5.0, 0.1 * 2 ** max(resting.values()))))  # full jitter
                resting.clear()
        for entry in (entry for group in lane.groups.values() for entry in group):
            failures[entry.number] = FailedEntry(entry.event_id, OUT_OF_TIME, "the run ended before its turn")
        return failures

    def _publish_batch(self, batch: Sequence[Entry]) -> dict[str, Refusal]:
        """What SNS refused, by entry id. A call that failed as a whole refused all of it."""
        try:
            reply = self._client.publish_batch(
                TopicArn=self._topic_arn, PublishBatchRequestEntries=[entry.request for entry in batch]
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if refusals.may_be_of_one_entry(code) and len(batch) > 1:
                return {name: refusal for entry in batch for name, refusal in self._publish_batch([entry]).items()}
            whole = refusals.of_call(code)
        except BotoCoreError as error:
            # No answer: it may have been accepted. The retry has the same deduplication id, so SNS drops a second copy.
            whole = Refusal(type(error).__name__, "no answer from SNS", final=False)
        else:
            return {entry["Id"]: refusals.of_entry(entry) for entry in reply.get("Failed", [])}
        return {entry.request["Id"]: whole for entry in batch}
