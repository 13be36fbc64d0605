"""Malformed messages into a consumer's queue, to see what becomes of them."""

from __future__ import annotations

from typing import Any

from messaging.samples.poison import poison_batches


def send_poison(sqs: Any, queue_url: str, *, count: int, run: str, fifo: bool) -> tuple[int, int]:
    """How many messages a queue took, and how many it refused. Raises what boto3 raises."""
    taken = refused = 0
    for batch in poison_batches(count, run=run, fifo=fifo):
        reply = sqs.send_message_batch(QueueUrl=queue_url, Entries=batch)
        taken += len(reply.get("Successful", []))
        refused += len(reply.get("Failed", []))
    return taken, refused
