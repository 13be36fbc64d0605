"""The engine's queues, with as much work for a message however many wait beside it.

MiniStack goes through all messages of a queue for each receive and each deletion, and through all deduplication ids of
five minutes for each publication: a backlog takes the square of its length. And a deletion puts a new list in the place
of the queue's, without what was sent in that moment. Here receives go as far as they take, deletions take out what they
delete, and what has expired is looked for once a second.

Loaded by local/host.py into the engine's own process: it imports MiniStack and nothing of Waybill.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

LOOKS_AGAIN_SECONDS = 1.0

Message = dict[str, Any]
Queue = dict[str, Any]


def mend() -> None:
    """Put the functions of this module in the place of MiniStack's. Before or after queues were made, and once."""
    from ministack.services import sns, sqs

    queues = Queues(sqs)
    sqs._collect_msgs, sqs._dlq_sweep = queues.collect, queues.sweep
    sqs._delete_messages_for_esm = queues.delete
    sqs._expire_retained = _now_and_then(sqs._expire_retained)
    sqs._prune_dedup = _now_and_then(sqs._prune_dedup)
    sns._prune_sns_dedup = _now_and_then(sns._prune_sns_dedup)


class Queues:
    """What was received of each queue and is still in it, by receipt handle: all that MiniStack looks for."""

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs
        self._sweep = sqs._dlq_sweep
        self._received: dict[str, tuple[list[Message], dict[str, Message]]] = {}

    def collect(self, queue: Queue, most: int, hidden_seconds: int) -> list[Message]:
        """Receive up to so many messages, in order; of a FIFO queue none of a group that has one in flight."""
        now, received = time.time(), self._of(queue)
        busy = {each["group_id"] for each in [*received.values()] if each["visible_at"] > now and queue["is_fifo"]}
        batch: list[Message] = []
        for message in [*queue["messages"]]:  # a copy: others take from it meanwhile
            if message.get("visible_at", 0.0) <= now and not (message.get("group_id") and message["group_id"] in busy):
                batch.append(message)
                if len(batch) == most:
                    break
        for message in batch:
            self._sqs._ensure_msg_fields(message)
            received.pop(message["receipt_handle"], None)
            message["receipt_handle"] = self._sqs.new_uuid()
            message["visible_at"] = now + hidden_seconds
            message["receive_count"] += 1
            message["first_receive_at"] = message["first_receive_at"] or now
            received[message["receipt_handle"]] = message
        return batch

    def delete(self, queue_url: str, receipt_handles: set[str]) -> None:
        """Delete what an event source mapping has done with; what was sent meanwhile stays."""
        with self._sqs._queues_lock:
            queue = self._sqs._get_q(queue_url)
            received = self._of(queue)
            for handle in receipt_handles:
                message = received.pop(handle, None)
                if message is not None:
                    with suppress(ValueError):  # somebody else was faster
                        queue["messages"].remove(message)  # what is received lies in front

    def sweep(self, queue: Queue) -> None:
        """Move dead letters, where a message has come back that may be one."""
        now = time.time()
        if any(each["visible_at"] <= now for each in [*self._of(queue).values()]):
            self._sweep(queue)

    def _of(self, queue: Queue) -> dict[str, Message]:
        """Whatever else changes a queue gives it another list, and is looked through once."""
        name, messages = queue["attributes"]["QueueArn"], queue["messages"]
        known, received = self._received.get(name, (None, {}))
        if known is not messages:
            received = {each["receipt_handle"]: each for each in messages if each.get("receipt_handle")}
            self._received[name] = messages, received
        return received


def _now_and_then(function: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """Calls it at most once in LOOKS_AGAIN_SECONDS for each queue or topic."""
    called: dict[str, float] = {}

    def call(of: dict[str, Any]) -> None:
        attributes = of["attributes"]
        name, now = attributes.get("QueueArn") or attributes["TopicArn"], time.monotonic()
        if now >= called.get(name, -LOOKS_AGAIN_SECONDS) + LOOKS_AGAIN_SECONDS:
            called[name] = now
            function(of)

    return call
