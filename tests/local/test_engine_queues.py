"""The engine's queues as we mend them: they do the same in fewer steps. A mend that is not needed fails here."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local import engine_queues
from local.clients import client
from local.engine import Engine
from local.engine_queues import Queues
from tests.local.conftest import depth, eventually, map_function
from tests.local.queues import (
    URL,
    Racing,
    answered,
    ids,
    make_queue,
    make_queue_with_dead_letters,
    message,
    received,
    sqs,
)

MANY = 2_000


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


@pytest.mark.parametrize("taken", ["replaced", "purged", "filtered"])
def test_what_others_took_out_holds_its_group_back_no_longer(monkeypatch: pytest.MonkeyPatch, taken: str) -> None:
    """In whichever way: by another list, as a purge does it, or as a mapping does with what its filter drops."""
    queue, ours = make_queue(monkeypatch, fifo=True), Queues(sqs)
    queue["messages"] = [message(1, "g"), message(2, "g")]
    (first,) = ours.collect(queue, 1, 30)
    assert ours.collect(queue, 1, 30) == []
    if taken == "replaced":
        queue["messages"] = [each for each in queue["messages"] if each is not first]
    elif taken == "purged":
        sqs._act_purge_queue({}, URL)
        queue["messages"] += [message(2, "g"), message(3, "h")]
    else:
        queue["messages"].remove(first)
    assert ids(ours.collect(queue, 1, 30)) == ["2"]


@pytest.mark.parametrize("dead", [True, False])
def test_what_waits_is_not_looked_at(monkeypatch: pytest.MonkeyPatch, dead: bool) -> None:
    """When what was received is deleted, or becomes a dead letter."""

    class Waiting(dict[str, Any]):
        def get(self, *_: object) -> Any:
            raise AssertionError("was looked at")

        __getitem__ = get

    queue, letters = make_queue_with_dead_letters(monkeypatch, most=1)
    ours = Queues(sqs)
    queue["messages"] = [message(1)]
    (first,) = ours.collect(queue, 1, 0 if dead else 30)
    queue["messages"].append(Waiting())
    ours.sweep(queue)
    if not dead:
        ours.delete(URL, {first["receipt_handle"]})
    assert (queue["messages"], ids(letters["messages"])) == ([Waiting()], ["1"] if dead else [])
    with pytest.raises(AssertionError, match="was looked at"):
        ours.collect(queue, 1, 30)


def test_what_is_further_back_than_the_last_receive_is_found_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message in front that came back, and was received again, hides none that is in flight."""
    queue, ours = make_queue(monkeypatch, fifo=True), Queues(sqs)
    queue["messages"] = [message(1, "g"), message(2, "h"), message(3, "h")]
    first, second = ours.collect(queue, 2, 30)
    first["visible_at"] = 0.0
    assert ids(ours.collect(queue, 1, 30)) == ["1"]
    assert ours.collect(queue, 1, 30) == []
    ours.delete(URL, {second["receipt_handle"]})
    assert ids(ours.collect(queue, 1, 30)) == ["3"]


def test_of_another_list_all_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that was made anew, or restored, has messages that were received: anywhere."""
    queue, ours = make_queue(monkeypatch), Queues(sqs)
    queue["messages"] = [message(1), message(2)]
    ours.collect(queue, 1, 30)
    queue["messages"] = [message(3), received(4)]
    ours.delete(URL, {"handle-4"})
    assert ids(queue["messages"]) == ["3"]


@pytest.mark.parametrize("one_by_one", [True, False])
def test_the_api_deletes_as_the_engines_own_does(monkeypatch: pytest.MonkeyPatch, one_by_one: bool) -> None:
    """With the same answers, but out of the list that is there."""
    ours = Queues(sqs)
    own = (sqs._act_delete_message, sqs._act_delete_message_batch)
    answers = []
    for delete_one, delete_batch in (own, (ours.delete_message, ours.delete_message_batch)):
        queue = make_queue(monkeypatch)
        queue["messages"] = there = [received(n) for n in range(4)] + [message(4)]
        handles = ["handle-1", "other", "handle-3", "handle-1", ""]
        wanted = [{"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate(handles)]
        if one_by_one:
            answer: object = [answered(delete_one, each) for each in wanted]
        else:
            answer = answered(delete_batch, {"Entries": wanted})
        answers.append((answer, ids(queue["messages"])))
        assert answered(delete_batch, {"Entries": []}) == "EmptyBatchRequest"
    assert answers[0] == answers[1]
    assert answers[1][1] == ["0", "2", "4"]
    assert queue["messages"] is there


def test_no_message_is_received_twice_by_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine receives in two threads, and deletes in more."""
    queue, ours = make_queue(monkeypatch), Queues(sqs)
    queue["messages"] = [message(n) for n in range(MANY)]
    seen: list[str] = []

    def work() -> None:
        while batch := ours.collect(queue, 10, 30):
            seen.extend(ids(batch))
            ours.delete(URL, {each["receipt_handle"] for each in batch})

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor() as pool:
            for each in [pool.submit(work) for _ in range(4)]:
                each.result()
    finally:
        sys.setswitchinterval(interval)
    assert sorted(seen, key=int) == [str(n) for n in range(MANY)]
    assert queue["messages"] == []


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
    assert "the queues are mended" in (running.state_dir / "engine.log").read_text(encoding="utf-8")
