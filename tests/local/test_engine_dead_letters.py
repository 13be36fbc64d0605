"""Which messages the engine's mended queues move to their dead-letter queue, and which they drop as too old."""

from __future__ import annotations

import time
from typing import Any

import pytest

from local.engine_queues import Queues
from tests.local.queues import URL, Racing, ids, make_queue, make_queue_with_dead_letters, message, received, sqs


def test_what_was_purged_is_no_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where as many were sent since."""
    queue, dead = make_queue_with_dead_letters(monkeypatch, most=1)
    ours = Queues(sqs)
    queue["messages"] = [message(1)]
    ours.collect(queue, 1, 0)
    sqs._act_purge_queue({}, URL)
    queue["messages"].append(message(2))
    ours.sweep(queue)
    assert (ids(queue["messages"]), dead["messages"]) == (["2"], [])


@pytest.mark.parametrize("fifo", [False, True])
def test_the_same_are_dead_letters_as_in_the_engine_itself(monkeypatch: pytest.MonkeyPatch, fifo: bool) -> None:
    """What was received often enough and is back. All that is known of it is the same too."""
    now = time.time() + 60.0
    sent = [{**message(n, f"group-{n}"), "sent_at": 0.0, "visible_at": 0.0} for n in range(4)]
    moved: list[list[dict[str, Any]]] = []
    for collect, sweep in ((sqs._collect_msgs, sqs._dlq_sweep), ((ours := Queues(sqs)).collect, ours.sweep)):
        queue, dead = make_queue_with_dead_letters(monkeypatch, most=2, fifo=fifo)
        queue["messages"] = [{**each} for each in sent]
        sweep(queue)
        once_more, twice, running, _ = collect(queue, 4, 0)
        for each in (twice, running):
            each["receive_count"] = 2
        running["visible_at"] = now + 1.0
        with monkeypatch.context() as later:
            later.setattr(time, "time", lambda: now)
            sweep(queue)
        assert ids(queue["messages"]) == ["0", "2", "3"]
        assert once_more["receive_count"] == 1
        moved.append([{**each, "first_receive_at": ...} for each in dead["messages"]])
    assert moved[0] == moved[1]
    assert ids(moved[1]) == ["1"]
    assert moved[1][0]["visible_at"] == now
    assert ("enqueued_at" in moved[1][0]) is fifo


@pytest.mark.parametrize("policy", ["", "nonsense", '"twice"', "[]", '{"maxReceiveCount": "often"}', "{}", "null"])
def test_without_a_policy_that_makes_sense_nothing_is_a_dead_letter(
    monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    """As in the engine itself."""
    for collect, sweep in ((sqs._collect_msgs, sqs._dlq_sweep), ((ours := Queues(sqs)).collect, ours.sweep)):
        queue = make_queue(monkeypatch, RedrivePolicy=policy)
        queue["messages"] = [message(1)]
        collect(queue, 1, 0)
        sweep(queue)
        assert ids(queue["messages"]) == ["1"]


def test_no_look_for_dead_letters_loses_what_is_sent_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine itself does."""
    for sweep, left in ((sqs._dlq_sweep, []), (Queues(sqs).sweep, ["late"])):
        queue, dead = make_queue_with_dead_letters(monkeypatch, most=1)
        queue["messages"] = Racing([received(1)])
        sweep(queue)
        assert ids(list(list.__iter__(queue["messages"]))) == left
        assert ids(dead["messages"]) == ["1"]


def test_nothing_that_is_sent_while_others_expire_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine itself loses it when it is sent after its last look."""
    for expire, left in ((sqs._expire_retained, ["2"]), (Queues(sqs).expire, ["2", "late"])):
        queue = make_queue(monkeypatch, MessageRetentionPeriod="60")
        queue["messages"] = Racing([{**message(1), "sent_at": time.time() - 61.0}, message(2)])
        expire(queue)
        assert ids(list(list.__iter__(queue["messages"]))) == left
