"""Queues and messages as MiniStack keeps them, without an engine."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

sqs = importlib.import_module("ministack.services.sqs")
URL = "http://localhost:4566/000000000000/work"


def make_queue(monkeypatch: pytest.MonkeyPatch, *, fifo: bool = False, **attributes: str) -> dict[str, Any]:
    """A queue of the engine's, without an engine."""
    arn = "arn:aws:sqs:us-east-1:000000000000:work"
    queue = {"attributes": {"QueueArn": arn, **attributes}, "messages": [], "is_fifo": fifo, "dedup_cache": {}}
    monkeypatch.setattr(sqs, "_get_q", lambda *_: queue)
    return queue


def message(number: int, group: str | None = None) -> dict[str, Any]:
    """A message as a topic of the engine's puts it into a queue."""
    made = {"id": str(number), "body": str(number), "receipt_handle": None, "sent_at": time.time(), "group_id": group}
    sqs._ensure_msg_fields(made)
    return made


def received(number: int) -> dict[str, Any]:
    """A message that was received and is back."""
    return {**message(number), "receipt_handle": f"handle-{number}", "receive_count": 1}


def make_queue_with_dead_letters(
    monkeypatch: pytest.MonkeyPatch, *, most: int, fifo: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A queue, and where its messages go that were received so often."""
    dead = {"attributes": {}, "messages": [], "is_fifo": fifo}
    monkeypatch.setattr(sqs, "_queue_by_arn", {"arn:dead": dead}.get)
    policy = json.dumps({"deadLetterTargetArn": "arn:dead", "maxReceiveCount": most})
    return make_queue(monkeypatch, fifo=fifo, RedrivePolicy=policy), dead


def answered(action: Callable[[dict[str, Any], str], dict[str, Any]], data: dict[str, Any]) -> object:
    """What the API answers, or the name of the error."""
    try:
        return action(data, URL)
    except sqs._Err as error:
        return error.code


def ids(messages: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in messages]


class Racing(list[dict[str, Any]]):
    """Messages of which one is sent just when somebody has looked through all."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        yield from super().__iter__()
        if not any(each["id"] == "late" for each in super().__iter__()):
            self.append({**message(0), "id": "late"})
