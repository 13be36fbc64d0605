"""What work on one dead-letter queue is done with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cli.letters.proofs import Proofs
from cli.letters.queue import DeadLetterQueue


def _never() -> bool:
    return False


def _silently(_: str) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The queue, boto3's SQS client and what the tables prove; a clock in epoch seconds, and whether the operator wants
    to stop, which is asked between batches. `say` is told what takes time."""

    queue: DeadLetterQueue
    sqs: Any
    proofs: Proofs
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    stopped: Callable[[], bool] = _never
    say: Callable[[str], None] = _silently
