"""The engine's queues, with as much work for a message however many wait beside it.

MiniStack goes through all messages of a queue for each receive, each deletion and each look for dead letters, and
through all deduplication ids of five minutes for each publication: a backlog takes the square of its length. And what
takes messages out puts a new list in the place of the queue's, without what another thread has sent in that moment.

Here a receive goes as far as it takes, the others as far as receives have come; messages are taken out of the list that
is there; and what has expired is looked for once a second. What still grows with a queue is a copy of its list for each
receive (0.2 ms of 50,000). MiniStack's own still change visibility (from the front to the message) and count messages.

Loaded by local/host.py into the engine's own process: it imports MiniStack and nothing of Waybill.
"""

from __future__ import annotations

import json
import threading
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
    sqs._HANDLERS["DeleteMessage"] = queues.delete_message
    sqs._HANDLERS["DeleteMessageBatch"] = queues.delete_message_batch
    sqs._expire_retained = _now_and_then(queues.expire)
    sqs._prune_dedup = _now_and_then(sqs._prune_dedup)
    sns._prune_sns_dedup = _now_and_then(sns._prune_sns_dedup)


class Queues:
    """Knows of each queue how far receives have come: what was received lies there, or further in front.

    That stays true whoever else sends, purges or takes out, with or without a lock, as messages are only ever appended.
    The lock is for what is done here: the API's thread, the one that polls and those that delete. It is taken last
    (MiniStack holds its own around some of these calls), and nothing that is called under it takes another.
    """

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs
        self._lock = threading.RLock()
        self._reached: dict[str, tuple[list[Message], int]] = {}  # by the queue's name: its list, how many in front

    def collect(self, queue: Queue, most: int, hidden_seconds: int) -> list[Message]:
        """Receive up to so many messages, in order; of a FIFO queue none of a group that has one in flight."""
        with self._lock:
            now, front = time.time(), self._front(queue)
            received = [(place, each) for place, each in enumerate(front, 1) if each.get("receipt_handle")]
            reached = received[-1][0] if received else 0
            busy = {each["group_id"] for _, each in received if each["visible_at"] > now} if queue["is_fifo"] else set()
            messages: list[Message] = queue["messages"]
            batch: list[Message] = []
            for place, message in enumerate([*messages], 1):  # a copy: a purge may come in between
                if len(batch) == most:
                    break
                if message.get("visible_at", 0.0) <= now and not ((group := message.get("group_id")) and group in busy):
                    batch.append(message)
                    reached = max(reached, place)
            for message in batch:
                self._sqs._ensure_msg_fields(message)
                message["receipt_handle"] = self._sqs.new_uuid()
                message["visible_at"] = now + hidden_seconds
                message["receive_count"] += 1
                message["first_receive_at"] = message["first_receive_at"] or now
            self._reached[queue["attributes"]["QueueArn"]] = messages, reached
            return batch

    def delete(self, queue_url: str, receipt_handles: set[str]) -> None:
        """Delete what an event source mapping has done with."""
        self._delete(self._sqs._get_q(queue_url), receipt_handles)

    def delete_message(self, data: dict[str, Any], queue_url: str) -> dict[str, Any]:
        """The API's DeleteMessage. MiniStack's own answers where there is nothing to delete, and changes nothing."""
        queue = self._sqs._get_q(data.get("QueueUrl", queue_url), "sqs:DeleteMessage")
        if self._delete(queue, {data.get("ReceiptHandle", "")}):
            return {}
        answer: dict[str, Any] = self._sqs._act_delete_message(data, queue_url)
        return answer

    def delete_message_batch(self, data: dict[str, Any], queue_url: str) -> dict[str, Any]:
        """The API's DeleteMessageBatch."""
        queue = self._sqs._get_q(data.get("QueueUrl", queue_url), "sqs:DeleteMessage")
        entries = data.get("Entries", [])
        self._sqs._validate_batch_entries(entries, "DeleteMessageBatchRequestEntry")
        deleted, failed = [], []
        for entry in entries:
            name = {"Id": entry.get("Id", "")}
            if self._delete(queue, {entry.get("ReceiptHandle", "")}):
                deleted.append(name)
            else:
                reason = "The input receipt handle is invalid."
                failed.append({**name, "Code": "ReceiptHandleIsInvalid", "Message": reason, "SenderFault": True})
        return {"Successful": deleted, "Failed": failed}

    def sweep(self, queue: Queue) -> None:
        """Move what was received, has come back and may not come again into the dead-letter queue."""
        with self._lock:
            now = time.time()
            back = [each for each in self._front(queue) if each.get("receipt_handle") and each["visible_at"] <= now]
            most, dead_letters = self._redrive_policy(queue) if back else (0, None)
            for message in back:
                if dead_letters is None or message["receive_count"] < most:
                    continue
                source = {"DeadLetterQueueSourceArn": queue["attributes"].get("QueueArn", "")}
                moved = {**message, "receipt_handle": None, "visible_at": now, "sys": source | message.get("sys", {})}
                if dead_letters.get("is_fifo"):
                    moved["enqueued_at"] = now  # a standard queue counts an age from when it was sent, as AWS does
                dead_letters["messages"].append(moved)
                _take_out(queue, message)
                self._sqs.esm_wake.set()

    def expire(self, queue: Queue) -> None:
        """Take out what is older than the queue keeps messages."""
        try:
            retention_seconds = int(queue["attributes"].get("MessageRetentionPeriod", "345600"))
        except (TypeError, ValueError):
            return
        with self._lock:
            now = time.time()
            for message in [*queue["messages"]]:
                if message.get("enqueued_at", message.get("sent_at", now)) <= now - retention_seconds:
                    _take_out(queue, message)

    def _delete(self, queue: Queue, receipt_handles: set[str]) -> bool:
        with self._lock:
            messages = [each for each in self._front(queue) if each.get("receipt_handle") in receipt_handles]
            for message in messages:
                _take_out(queue, message)
            return bool(messages)

    def _front(self, queue: Queue) -> list[Message]:
        """A copy of what lies as far as receives have come: of a list that we have not seen yet, of all."""
        messages: list[Message] = queue["messages"]
        known, reached = self._reached.get(queue["attributes"]["QueueArn"], (None, 0))
        return messages[:reached] if known is messages else [*messages]

    def _redrive_policy(self, queue: Queue) -> tuple[int, Queue | None]:
        """How often a message may be received, and where it goes then: nowhere where that is not said, or wrongly."""
        try:
            policy = json.loads(queue["attributes"].get("RedrivePolicy") or "{}")
            most = int(policy.get("maxReceiveCount", 0)) if isinstance(policy, dict) else 0
        except (TypeError, ValueError):
            return 0, None
        name = policy.get("deadLetterTargetArn") if most else None
        return most, self._sqs._queue_by_arn(name) if name else None


def _take_out(queue: Queue, message: Message) -> None:
    """In place, and in one step: what is sent meanwhile stays. What is taken out lies in front."""
    with suppress(ValueError):  # purged meanwhile
        queue["messages"].remove(message)


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
