"""How messages reach queues: in order per group, after what goes wrong on the way, or into a dead-letter queue."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from testing.scheduler import Scheduler
from testing.sns import Fate, Message, Outcome, Refused, Sns, Subscription, Topic
from testing.sns.delivery import MAX_FAILURES, pause_seconds
from tests.testing.sns.queue import FakeQueue

Queues = Callable[[str], FakeQueue]
TYPE = {"type": {"DataType": "String", "StringValue": "order.placed"}}


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


class Fates:
    """What becomes of attempts, by the message's body, in order; afterwards, and of all others: they arrive."""

    def __init__(self, fates: Mapping[str, list[Fate]]) -> None:
        self._fates: Mapping[str, Iterator[Fate]] = {body: iter(listed) for body, listed in fates.items()}
        self.asked: list[tuple[str, str]] = []

    def __call__(self, subscription: Subscription, message: Message) -> Fate:
        self.asked.append((subscription.name, message.body))
        return next(self._fates.get(message.body, iter(())), Fate())


def world(fates: Mapping[str, list[Fate]]) -> tuple[Scheduler, Topic, Fates]:
    scheduler, deciding = Scheduler(seed=1), Fates(fates)
    return scheduler, Sns(scheduler, deliver=deciding).create_topic("orders.fifo"), deciding


def publish(topic: Topic, *bodies: str, group: str = "g") -> None:
    for body in bodies:
        topic.publish(body, attributes=TYPE, group=group, deduplication_id=body)


NOT_NOW = Fate(outcome=Outcome.FAILS_FOR_NOW)
NEVER = Fate(outcome=Outcome.FAILS_FOR_GOOD)


def test_a_message_arrives_unchanged_after_its_latency(scheduler: Scheduler, topic: Topic, queue: Queues) -> None:
    """A FIFO queue gets group and deduplication id too, a standard queue neither."""
    ordered, plain = queue("ordered.fifo"), queue("plain")
    topic.subscribe(ordered, name="ordered")
    topic.subscribe(plain, name="plain")
    began = scheduler.now
    publish(topic, "m")
    assert ordered.got == []
    scheduler.run()
    (first,), (second,) = ordered.got, plain.got
    assert (first.body, first.attributes, first.group, first.deduplication_id) == ("m", TYPE, "g", "m")
    assert (second.body, second.attributes, second.group, second.deduplication_id) == ("m", TYPE, None, None)
    assert first.at == second.at == began + 0.020


def test_a_standard_topic_passes_its_group_to_standard_queues(
    scheduler: Scheduler, standard: Topic, queue: Queues
) -> None:
    """For fair queues."""
    plain = queue("plain")
    standard.subscribe(plain, name="plain")
    standard.publish("m", group="tenant")
    scheduler.run()
    assert [each.group for each in plain.got] == ["tenant"]


def test_what_can_not_be_subscribed(sns: Sns, topic: Topic, standard: Topic, queue: Queues) -> None:
    """A FIFO queue to a standard topic, and a dead-letter queue of the other kind."""
    with pytest.raises(Refused, match="FIFO SQS Queues can not be subscribed to standard SNS topics"):
        standard.subscribe(queue("q.fifo"), name="q")
    with pytest.raises(Refused, match="must use a FIFO queue as DLQ"):
        topic.subscribe(queue("q"), name="q", dead_letter_queue=queue("dead"))


def test_a_filter_decides_who_gets_what(scheduler: Scheduler, topic: Topic, queue: Queues) -> None:
    """By the values of attributes; what no filter lets pass vanishes, and is counted."""
    high, rest = queue("high.fifo"), queue("rest.fifo")
    one = topic.subscribe(high, name="high", filter_policy={"priority": ["high"]})
    topic.subscribe(rest, name="rest", filter_policy={"priority": [{"anything-but": ["high"]}]})
    for number, attributes in enumerate(({"priority": text("high")}, {"priority": text("low")}, {})):
        topic.publish(f"m{number}", attributes=attributes, group="g", deduplication_id=str(number))
    scheduler.run()
    assert (high.bodies, rest.bodies) == (["m0"], ["m1"])
    assert (one.totals.delivered, one.totals.filtered_out) == (1, 2)
    assert (topic.totals.published, topic.totals.delivered, topic.totals.filtered_out) == (3, 2, 4)


def test_who_subscribes_later_gets_what_comes_later(scheduler: Scheduler, topic: Topic, queue: Queues) -> None:
    """And who has gone gets nothing more; what was under way arrives."""
    early, late = queue("early.fifo"), queue("late.fifo")
    gone = topic.subscribe(early, name="early")
    publish(topic, "a")
    topic.subscribe(late, name="late")
    publish(topic, "b")
    topic.unsubscribe(gone)
    publish(topic, "c")
    scheduler.run()
    assert (early.bodies, late.bodies) == (["a", "b"], ["b", "c"])
    assert topic.totals.delivered == 4


def test_a_group_stays_in_order_whatever_the_latencies() -> None:
    """Groups do not wait for each other, and standard queues have no order."""
    slow, fast = Fate(latency_seconds=0.5), Fate(latency_seconds=0.01)
    scheduler, topic, _ = world({"a1": [slow, slow], "a2": [fast, fast], "b1": [fast, fast]})
    ordered, plain = FakeQueue("ordered.fifo", scheduler), FakeQueue("plain", scheduler)
    topic.subscribe(ordered, name="ordered")
    topic.subscribe(plain, name="plain")
    publish(topic, "a1", "a2", group="a")
    publish(topic, "b1", group="b")
    scheduler.run()
    assert ordered.bodies == ["b1", "a1", "a2"]
    assert plain.bodies == ["a2", "b1", "a1"]


def test_latency_counts_from_the_publication() -> None:
    """Ten messages of a group do not take ten times as long as one."""
    scheduler, topic, _ = world({})
    ordered = FakeQueue("ordered.fifo", scheduler)
    topic.subscribe(ordered, name="ordered")
    began = scheduler.now
    publish(topic, *map(str, range(10)))
    scheduler.run()
    assert {each.at for each in ordered.got} == {began + 0.020}


def test_after_a_server_error_it_is_tried_again_and_the_group_waits() -> None:
    """Five times at short intervals, then with rising pauses; other groups and subscriptions go on."""
    scheduler, topic, fates = world({"a1": [NOT_NOW] * 4})
    ordered, other = FakeQueue("ordered.fifo", scheduler), FakeQueue("other.fifo", scheduler)
    topic.subscribe(ordered, name="ordered")
    topic.subscribe(other, name="other", filter_policy={"type": [{"prefix": "nothing"}]})
    began = scheduler.now
    publish(topic, "a1", "a2", group="a")
    publish(topic, "b1", group="b")
    scheduler.run()
    assert ordered.bodies == ["b1", "a1", "a2"]
    assert fates.asked == [("ordered", body) for body in ("a1", "b1", "a1", "a1", "a1", "a1", "a2")]
    # Five attempts of 20 ms, after three of which it does not wait, and after the fourth for half a second to one.
    assert began + 5 * 0.020 + 0.5 <= ordered.got[1].at <= began + 5 * 0.020 + 1
    assert ordered.got[2].at == ordered.got[1].at
    assert topic.totals.failed == 0


def test_pauses_rise_to_twenty_seconds() -> None:
    """As AWS documents them for SQS; chance takes up to a half."""
    longest = [max(pause_seconds(failures, Scheduler(seed).random) for seed in range(50)) for failures in range(1, 20)]
    assert longest[:3] == [0, 0, 0]
    assert [round(pause) for pause in longest[3:]] == [1, 1, 1, 1, 2, 3, 4, 5, 7, 10, 14, 20, 20, 20, 20, 20]


def test_what_fails_for_more_than_three_weeks_is_given_up() -> None:
    """After 100,015 attempts."""
    scheduler, topic, fates = world({"a1": [NOT_NOW] * 200_000})
    ordered = FakeQueue("ordered.fifo", scheduler)
    topic.subscribe(ordered, name="ordered")
    began = scheduler.now
    publish(topic, "a1", "a2")
    scheduler.run()
    assert ordered.bodies == ["a2"]
    assert fates.asked.count(("ordered", "a1")) == MAX_FAILURES
    assert 15 <= (scheduler.now - began) / 86_400 <= 24
    assert topic.totals.lost == 1


def test_after_a_client_error_it_goes_to_the_dead_letter_queue_at_once() -> None:
    """Just as the queue would have got it, with group and deduplication id; the group goes on."""
    scheduler, topic, _ = world({"a1": [NEVER], "a2": [NOT_NOW, NEVER]})
    dead, kinds = FakeQueue("dead.fifo", scheduler), ("ordered.fifo", "plain")
    queues = [FakeQueue(kind, scheduler) for kind in kinds]
    for number, each in enumerate(queues):
        topic.subscribe(each, name=kinds[number], dead_letter_queue=dead if number == 0 else None)
    publish(topic, "a1", "a2", "a3")
    scheduler.run()
    assert queues[0].bodies == ["a3"]
    assert [(each.body, each.attributes, each.group, each.deduplication_id) for each in dead.got] == [
        ("a1", TYPE, "g", "a1"),
        ("a2", TYPE, "g", "a2"),
    ]
    (ordered, plain) = topic.subscriptions
    assert (ordered.totals.failed, ordered.totals.redriven_to_dlq, ordered.totals.lost) == (2, 2, 0)
    assert (plain.totals.delivered, plain.totals.failed) == (3, 0)


def test_without_a_dead_letter_queue_it_is_lost() -> None:
    """Nobody hears of it but the metrics; so it is where the dead-letter queue takes nothing either."""
    scheduler, topic, _ = world({"a1": [NEVER, NEVER]})
    broken = FakeQueue("broken.fifo", scheduler)
    broken.refuses = "AWS.SimpleQueueService.NonExistentQueue"
    topic.subscribe(FakeQueue("p.fifo", scheduler), name="p")
    topic.subscribe(FakeQueue("q.fifo", scheduler), name="q", dead_letter_queue=broken)
    publish(topic, "a1")
    scheduler.run()
    assert [(each.totals.failed, each.totals.lost) for each in topic.subscriptions] == [(1, 1), (1, 1)]


def test_a_queue_that_refuses_is_a_client_error() -> None:
    """A deleted queue's messages go to the dead-letter queue, whatever was decided of the delivery."""
    scheduler, topic, _ = world({})
    deleted, dead = FakeQueue("deleted.fifo", scheduler), FakeQueue("dead.fifo", scheduler)
    deleted.refuses = "AWS.SimpleQueueService.NonExistentQueue"
    topic.subscribe(deleted, name="deleted", dead_letter_queue=dead)
    publish(topic, "a1")
    scheduler.run()
    assert dead.bodies == ["a1"]


def test_a_standard_queue_may_get_a_message_twice() -> None:
    """It counts once. That a FIFO queue gets one twice is nothing that a world may decide."""
    scheduler, topic, _ = world({"a1": [Fate(outcome=Outcome.ARRIVES_TWICE, copy_seconds=3)] * 3})
    plain = FakeQueue("plain", scheduler)
    subscription = topic.subscribe(plain, name="plain")
    began = scheduler.now
    publish(topic, "a1", "a2")
    scheduler.run()
    assert plain.bodies == ["a1", "a2", "a1"]
    assert [each.at - began for each in plain.got] == pytest.approx([0.02, 0.02, 3.02])
    assert subscription.totals.delivered == 2
    topic.subscribe(FakeQueue("ordered.fifo", scheduler), name="ordered")
    with pytest.raises(ValueError, match="ordered: a FIFO queue gets no message twice"):
        topic.publish("a1", group="g", deduplication_id="again")


@pytest.mark.parametrize(("count", "arrives"), [(10, True), (11, False)])
def test_raw_delivery_discards_more_than_ten_attributes(
    scheduler: Scheduler, topic: Topic, queue: Queues, count: int, arrives: bool
) -> None:
    """A dead-letter queue could not hold them either. In an envelope they arrive."""
    raw, wrapped, dead = queue("raw.fifo"), queue("wrapped.fifo"), queue("dead.fifo")
    one = topic.subscribe(raw, name="raw", dead_letter_queue=dead)
    topic.subscribe(wrapped, name="wrapped", raw=False)
    attributes = {f"a{number}": text("v") for number in range(count)}
    topic.publish("m", attributes=attributes, group="g", deduplication_id="d")
    scheduler.run()
    assert len(raw.got) == one.totals.delivered == int(arrives)
    assert one.totals.lost == int(not arrives)
    assert (len(wrapped.got), len(dead.got)) == (1, 0)


def test_every_message_is_accounted_for() -> None:
    """Under faults of every kind: delivered, filtered out, parked or lost, per subscription; and order is kept."""
    scheduler = Scheduler(seed=7)
    weights = {Outcome.ARRIVES: 6, Outcome.FAILS_FOR_NOW: 3, Outcome.FAILS_FOR_GOOD: 1}

    def deliver(subscription: Subscription, _: Message) -> Fate:
        outcomes = weights if subscription.queue.fifo else {**weights, Outcome.ARRIVES_TWICE: 2}
        outcome = scheduler.random.choices(list(outcomes), list(outcomes.values()))[0]
        return Fate(scheduler.random.uniform(0.001, 0.2), outcome, 1.0)

    topic = Sns(scheduler, deliver=deliver).create_topic("orders.fifo", {"FifoThroughputScope": "MessageGroup"})
    queues = {name: FakeQueue(name, scheduler) for name in ("a.fifo", "b.fifo", "c")}
    dead = FakeQueue("dead.fifo", scheduler)
    for name, each in queues.items():
        where = {"priority": ["high"]} if name == "b.fifo" else None
        topic.subscribe(each, name=name, filter_policy=where, dead_letter_queue=None if name == "c" else dead)
    for number in range(500):
        group = f"g{number % 7}"
        attributes = {"priority": text("high" if number % 3 else "low")}
        topic.publish(f"{number:03}", attributes=attributes, group=group, deduplication_id=str(number))
        scheduler.sleep(scheduler.random.uniform(0, 0.1))
    scheduler.run()
    for subscription in topic.subscriptions:
        totals = subscription.totals
        assert totals.delivered + totals.filtered_out + totals.failed == 500
        assert totals.failed == totals.redriven_to_dlq + totals.lost
        assert totals.failed > 0
        assert subscription.under_way == 0
    for name in ("a.fifo", "b.fifo"):
        groups = defaultdict(list)
        for got in queues[name].got:
            groups[got.group].append(got.body)
        assert all(bodies == sorted(bodies) for bodies in groups.values())


TRACE = """
from testing.scheduler import Scheduler
from testing.sns import Fate, Outcome, Sns
from tests.testing.sns.queue import FakeQueue
scheduler = Scheduler(5)
fates = list(Outcome)[::2]
deliver = lambda *_: Fate(scheduler.random.random(), scheduler.random.choice(fates))
topic = Sns(scheduler, deliver=deliver).create_topic("t.fifo", {"ArchivePolicy": '{"MessageRetentionPeriod":"1"}'})
queues = [FakeQueue(name, scheduler) for name in ("a.fifo", "b")]
for queue in queues:
    topic.subscribe(queue, name=queue.arn, filter_policy={"type": ["x", "y"]}, raw=False)
for number in range(50):
    attributes = {name: {"DataType": "String", "StringValue": "xyz"[number % 3]} for name in ("type", "other", "third")}
    topic.publish(str(number), attributes=attributes, group=str(number % 4), deduplication_id=str(number))
scheduler.run()
topic.subscriptions[1].replay(0)
scheduler.run()
print([queue.got for queue in queues], topic.totals, scheduler.now)
"""


def test_the_same_seed_gives_the_same_run_whatever_the_hash_seed() -> None:
    """To the last byte and the last microsecond."""
    root = Path(__file__).parents[3]
    outputs = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
        outputs.append(
            subprocess.run(
                [sys.executable, "-c", TRACE], env=environment, cwd=root, capture_output=True, check=True, timeout=60
            ).stdout
        )
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 1000
