"""The engine's queues as we mend them: they do the same in fewer steps. A mend that is not needed fails here."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from local import engine_queues
from local.clients import client
from local.engine import Engine
from local.engine_queues import Queues
from tests.local.conftest import depth, eventually, map_function

sqs = importlib.import_module("ministack.services.sqs")
MANY = 2_000
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


def ids(messages: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in messages]


class Racing(list[dict[str, Any]]):
    """Messages of which one is sent just when somebody has looked through all."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        yield from super().__iter__()
        if not any(each["id"] == "late" for each in super().__iter__()):
            self.append({**message(0), "id": "late"})


def test_the_engine_itself_loses_what_is_sent_while_it_deletes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Why deletion is ours: theirs puts a list in the place of the queue's that was made before."""
    for delete, left in ((sqs._delete_messages_for_esm, []), (Queues(sqs).delete, ["late"])):
        queue = make_queue(monkeypatch)
        queue["messages"] = [{**message(1), "receipt_handle": "handle"}]
        if left:
            Queues(sqs).collect(queue, 1, 30)
            queue["messages"][0]["receipt_handle"] = "handle"
        queue["messages"] = Racing(queue["messages"])
        delete(URL, {"handle"})
        assert ids(list(list.__iter__(queue["messages"]))) == left


def test_a_receive_looks_at_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many wait. The engine itself looks at all of them."""
    looked_at = 0

    def count(one: dict[str, Any]) -> None:
        nonlocal looked_at
        looked_at += 1

    monkeypatch.setattr(sqs, "_ensure_msg_fields", count)
    for collect, steps in ((sqs._collect_msgs, MANY), (Queues(sqs).collect, 10)):
        queue, looked_at = make_queue(monkeypatch), 0
        queue["messages"] = [message(n) | {"visible_at": 0.0, "receive_count": 0} for n in range(MANY)]
        for each in queue["messages"]:
            each.setdefault("first_receive_at", None)
        looked_at = 0
        assert ids(collect(queue, 10, 30)) == [str(n) for n in range(10)]
        assert looked_at == steps


@pytest.mark.parametrize("steps", [40])
def test_a_fifo_queue_gives_the_same_as_the_engines_own(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """In the same order, with the same groups held back, whatever was deleted or came back meanwhile."""
    own, ours = sqs._collect_msgs, Queues(sqs)
    answers: list[list[list[str]]] = []
    for collect, delete in ((own, sqs._delete_messages_for_esm), (ours.collect, ours.delete)):
        queue = make_queue(monkeypatch, fifo=True)
        queue["messages"] = [message(n, f"group-{n % 7}") for n in range(60)]
        seen = []
        for step in range(steps):
            batch = collect(queue, 4, 30)
            seen.append(ids(batch))
            kept, done = batch[::3], [each for n, each in enumerate(batch) if n % 3]
            delete(URL, {each["receipt_handle"] for each in done})
            if step % 2:
                for each in kept:
                    each["visible_at"] = 0.0  # handed back
        answers.append(seen)
    assert answers[0] == answers[1]
    received = [each for batch in answers[0] for each in batch]
    assert len(received) > len({*received})  # some came again


def test_a_queue_that_others_changed_is_looked_through_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was received and then deleted through the API holds its group back no longer."""
    queue, ours = make_queue(monkeypatch, fifo=True), Queues(sqs)
    queue["messages"] = [message(1, "g"), message(2, "g")]
    (first,) = ours.collect(queue, 1, 30)
    assert ours.collect(queue, 1, 30) == []
    queue["messages"] = [each for each in queue["messages"] if each is not first]
    assert ids(ours.collect(queue, 1, 30)) == ["2"]


def test_dead_letters_are_looked_for_when_a_message_came_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not at each receive."""
    queue = make_queue(monkeypatch)
    sweeps: list[dict[str, Any]] = []
    monkeypatch.setattr(sqs, "_dlq_sweep", sweeps.append)
    ours = Queues(sqs)
    queue["messages"] = [message(1), message(2)]
    (first,) = ours.collect(queue, 1, 30)
    ours.sweep(queue)
    assert sweeps == []
    first["visible_at"] = 0.0
    ours.sweep(queue)
    assert sweeps == [queue]


def test_what_expires_is_looked_for_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """For each queue, and for each topic."""
    now = 0.0
    monkeypatch.setattr("local.engine_queues.time.monotonic", lambda: now)
    looked: list[str] = []
    function = engine_queues._now_and_then(lambda of: looked.append(of["name"]))
    queue = {"name": "queue", "attributes": {"QueueArn": "arn:queue"}}
    topic = {"name": "topic", "attributes": {"TopicArn": "arn:topic"}}
    for now in (0.0, 0.5, 1.0, 1.9):  # noqa: B007 (the clock reads it)
        function(queue)
        function(topic)
    assert looked == ["queue", "topic"] * 2


def test_an_engine_has_the_mended_queues(running: Engine) -> None:
    """As soon as it has a function: all that is sent is brought once, and what fails ends in the dead-letter queue."""
    source = "def handler(event, context):\n    assert 'bad' not in event['Records'][0]['body']"
    url = map_function(running, source)
    queues = client(running.endpoint, "sqs")
    dead = queues.create_queue(QueueName="dead")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    queues.send_message(QueueUrl=url, MessageBody="good")
    eventually(lambda: depth(running, url) == 0, "the good message is done with")
    # Not before: a message that is visible again while its function runs would be a dead letter too.
    queues.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "2"})
    queues.send_message(QueueUrl=url, MessageBody="bad")
    eventually(lambda: depth(running, dead) == 1, "the bad message is a dead letter")
    eventually(lambda: depth(running, url) == 0, "it has left its queue")
