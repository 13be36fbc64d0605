"""A mapping on a queue: what it hands to the function when, and what becomes of the answer."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from testing.functions.fleet import COLD_START_SECONDS
from testing.functions.queue_mapping import POLL_SECONDS
from testing.sqs import Queue
from tests.testing.functions.region import TIMEOUT_SECONDS, Code, Region, failures

VISIBILITY_SECONDS = 30.0
WINDOW_SECONDS = 2.0


def standard(region: Region, **attributes: str) -> Queue:
    """A standard queue that gives its messages in order."""
    queue = region.sqs.create_queue("jobs", attributes)
    queue.shuffles = False
    return queue


def fifo(region: Region, **attributes: str) -> Queue:
    return region.sqs.create_queue("jobs.fifo", {"ContentBasedDeduplication": "true", **attributes})


def dead_letters(region: Region, queue: Queue, most: int) -> Queue:
    """A dead-letter queue for it."""
    dead = region.sqs.create_queue(f"dead-{queue.name}")
    policy = {"deadLetterTargetArn": dead.arn, "maxReceiveCount": most}
    region.sqs.configure(queue, {"RedrivePolicy": json.dumps(policy)})
    return dead


def send(queue: Queue, *bodies: str) -> None:
    """On a FIFO queue a body begins with its group."""
    for body in bodies:
        queue.send(body, group=body.partition("-")[0] if queue.fifo else None)


class Working(Code):
    """A function that takes its time, the last of `seconds` again and again; `began` is when, `most` how many at
    once."""

    def __init__(self, region: Region, *seconds: float) -> None:
        super().__init__(self._work)
        self.began: list[float] = []
        self.most = 0
        self._now = 0
        self._region = region
        self._seconds = seconds or (1.0,)

    def _work(self, event: Any, context: Any) -> None:
        self.began.append(self._region.scheduler.now)
        self._now += 1
        self.most = max(self.most, self._now)
        context.process.sleep(self._seconds[min(len(self.began), len(self._seconds)) - 1])
        self._now -= 1

    @property
    def since_the_first(self) -> list[float]:
        return [round(when - self.began[0], 1) for when in self.began]


class Failing(Code):
    """A function that raises so many times before it does what another one does."""

    def __init__(self, inner: Code | None = None, *, times: int) -> None:
        super().__init__(self._fail)
        self._inner = inner or Code()
        self._times = times

    def _fail(self, event: Any, context: Any) -> Any:
        answer = self._inner.answer(event, context)
        self._times -= 1
        if self._times >= 0:
            raise ValueError("not yet")
        return answer


class TestBatches:
    def test_they_are_as_large_as_can_be(self, region: Region) -> None:
        """In order of sending, on a queue that keeps it."""
        queue, code = standard(region), Code()
        mapping = region.mapping(queue, code, maximum_concurrency=1)
        names = [str(number) for number in range(25)]
        send(queue, *names)
        region.scheduler.run()
        assert code.batches == [names[:10], names[10:20], names[20:]]
        assert (mapping.deliveries, queue.counts.deleted, queue.messages()) == (25, 25, [])

    def test_they_can_be_larger_than_a_receive(self, region: Region) -> None:
        """Lambda gathers what it receives."""
        queue, code = standard(region), Code()
        region.mapping(queue, code, batch_size=1_000, window_seconds=1)
        send(queue, *map(str, range(1_500)))
        region.scheduler.run()
        assert [len(batch) for batch in code.batches] == [1_000, 500]

    def test_what_is_there_before_the_mapping_is_taken_too(self, region: Region) -> None:
        """Without anything that tells of it."""
        queue, code = standard(region), Code()
        send(queue, "a")
        region.mapping(queue, code)
        region.scheduler.run()
        assert code.batches == [["a"]]

    def test_a_poll_finds_what_came_together(self, region: Region) -> None:
        """And what comes later is a batch of its own."""
        queue, code = standard(region), Code()
        region.mapping(queue, code)
        for seconds, body in ((0.0, "a"), (POLL_SECONDS / 2, "b"), (1.0, "c")):
            region.scheduler.after(seconds, partial(send, queue, body))
        region.scheduler.run()
        assert code.batches == [["a", "b"], ["c"]]

    def test_a_delayed_message_comes_when_it_is_visible(self, region: Region) -> None:
        """Without anybody asking again."""
        queue, code = standard(region), Working(region)
        region.mapping(queue, code)
        queue.send("late", delay_seconds=60)
        queue.send("now")
        region.scheduler.run()
        assert code.batches == [["now"], ["late"]]
        assert code.since_the_first[1] == pytest.approx(60.0 - COLD_START_SECONDS, abs=0.1)


class TestWindow:
    def test_it_begins_with_the_first_message(self, region: Region) -> None:
        """Later ones do not prolong it."""
        queue, code = standard(region), Working(region)
        region.mapping(queue, code, window_seconds=WINDOW_SECONDS)
        began_at = region.scheduler.now
        for seconds in (0.0, 1.0, 1.9, 2.1):
            region.scheduler.after(seconds, partial(send, queue, str(seconds)))
        region.scheduler.run()
        assert code.batches == [["0.0", "1.0", "1.9"], ["2.1"]]
        assert code.began[0] == pytest.approx(began_at + WINDOW_SECONDS + COLD_START_SECONDS)

    def test_a_full_batch_does_not_wait_for_its_end(self, region: Region) -> None:
        """Nor does what would not wait without it."""
        queue, code = standard(region), Working(region)
        region.mapping(queue, code, window_seconds=300, batch_size=3)
        began_at = region.scheduler.now
        for seconds, bodies in ((0.0, "ab"), (1.0, "c"), (5.0, "d")):
            region.scheduler.after(seconds, partial(send, queue, *bodies))
        region.scheduler.run()
        assert code.batches == [["a", "b", "c"], ["d"]]
        assert code.began[0] == pytest.approx(began_at + 1.0 + POLL_SECONDS + COLD_START_SECONDS)
        assert code.began[1] == pytest.approx(began_at + 305.0)

    def test_what_comes_again_waits_like_the_others(self, region: Region) -> None:
        """From the moment at which it is visible."""
        queue, code = standard(region), Working(region)
        region.mapping(queue, Failing(code, times=1), window_seconds=WINDOW_SECONDS)
        send(queue, "a")
        region.scheduler.run()
        assert code.since_the_first[1] == pytest.approx(
            VISIBILITY_SECONDS + WINDOW_SECONDS - COLD_START_SECONDS, abs=0.1
        )


class TestConcurrency:
    @pytest.mark.parametrize("most", [1, 2, 5])
    def test_no_more_at_once_than_allowed(self, region: Region, most: int) -> None:
        """And no fewer, where there is enough to do."""
        queue, code = standard(region), Working(region)
        region.mapping(queue, code, maximum_concurrency=most, batch_size=1)
        send(queue, *map(str, range(12)))
        region.scheduler.run()
        assert code.most == most
        assert len(code.events) == 12

    def test_messages_wait_in_the_queue_for_a_free_place(self, region: Region) -> None:
        """They are not received before: waiting burns no receives."""
        queue, code = standard(region, VisibilityTimeout="6"), Working(region, 4.0)
        region.mapping(queue, code, maximum_concurrency=1, batch_size=1)
        send(queue, *map(str, range(8)))
        region.scheduler.run()
        assert code.batches == [[str(number)] for number in range(8)]
        records = [record for event in code.events for record in event["Records"]]
        assert {record["attributes"]["ApproximateReceiveCount"] for record in records} == {"1"}

    def test_a_disabled_mapping_polls_no_more(self, region: Region) -> None:
        """What it has begun goes on; enabled again, it finds what has come."""
        queue, code = standard(region), Working(region)
        mapping = region.mapping(queue, code)
        send(queue, "a")
        region.scheduler.sleep(COLD_START_SECONDS + 2 * POLL_SECONDS)
        mapping.enable(False)
        send(queue, "b")
        region.scheduler.run()
        assert (code.batches, queue.counts.deleted, queue.counts.visible) == ([["a"]], 1, 1)
        mapping.enable()
        region.scheduler.run()
        assert code.batches == [["a"], ["b"]]

    def test_a_mapping_that_is_disabled_before_its_poll_polls_not(self, region: Region) -> None:
        """Not even once."""
        queue, code = standard(region), Code()
        mapping = region.mapping(queue, code)
        send(queue, "a")
        mapping.enable(False)
        region.scheduler.run()
        assert code.batches == []


class TestGroups:
    def test_one_batch_of_a_group_is_in_flight(self, region: Region) -> None:
        """The next one of it waits; other groups do not."""
        queue, code = fifo(region), Working(region)
        region.mapping(queue, code, batch_size=1, maximum_concurrency=10)
        send(queue, "a-1", "a-2", "b-1", "a-3", "c-1")
        region.scheduler.run()
        assert code.most == 3
        bodies = [batch[0] for batch in code.batches]
        assert sorted(bodies[:3]) == ["a-1", "b-1", "c-1"]
        assert bodies[3:] == ["a-2", "a-3"]

    def test_a_batch_has_messages_of_several_groups_each_in_order(self, region: Region) -> None:
        """As many as fit."""
        queue, code = fifo(region), Working(region)
        region.mapping(queue, code, batch_size=4)
        send(queue, "a-1", "b-1", "a-2", "c-1", "b-2", "a-3")
        region.scheduler.run()
        bodies = [body for batch in code.batches for body in batch]
        assert len(code.batches[0]) == 4
        for group in "abc":
            of_group = [body for body in bodies if body.startswith(group)]
            assert of_group == sorted(of_group)
        assert len(bodies) == 6

    def test_a_group_waits_for_what_was_handed_back(self, region: Region) -> None:
        """And what came after it in the batch and was not handed back is gone: its order is broken."""
        queue = fifo(region)
        code = Code(lambda event, _: failures(event["Records"][0]["messageId"]) if len(event["Records"]) > 1 else None)
        region.mapping(queue, code)
        send(queue, "a-1", "a-2")
        region.scheduler.after(5.0, lambda: send(queue, "a-3", "b-1"))
        region.scheduler.run(region.scheduler.now + 29.0)
        assert code.batches == [["a-1", "a-2"], ["b-1"]]
        region.scheduler.run()
        assert code.batches[2:] == [["a-1", "a-3"], ["a-1"]]


class TestHandedBack:
    @pytest.fixture(params=["standard", "fifo"])
    def queue(self, region: Region, request: pytest.FixtureRequest) -> Queue:
        return standard(region) if request.param == "standard" else fifo(region)

    def times(self, code: Code) -> Counter[str]:
        return Counter(body for batch in code.batches for body in batch)

    def test_it_comes_again_after_the_visibility_timeout(self, region: Region, queue: Queue) -> None:
        """With its count, alone: the others are deleted."""
        began: list[float] = []

        def handle(event: Any, _: Any) -> Any:
            began.append(region.scheduler.now)
            by_body = {record["body"]: record["messageId"] for record in event["Records"]}
            return failures(by_body["b-1"]) if len(began) < 3 else failures()

        code = Code(handle)
        region.mapping(queue, code)
        send(queue, "a-1", "b-1", "c-1")
        region.scheduler.run()
        assert code.batches == [["a-1", "b-1", "c-1"], ["b-1"], ["b-1"]]
        counts = [event["Records"][-1]["attributes"]["ApproximateReceiveCount"] for event in code.events[1:]]
        assert counts == ["2", "3"]
        waited = [later - earlier for earlier, later in pairwise(began)]
        assert waited == pytest.approx([VISIBILITY_SECONDS] * 2, abs=COLD_START_SECONDS + 2 * POLL_SECONDS)
        assert queue.messages() == []

    @pytest.mark.parametrize("how", ["raises", "dies", "hangs", "is throttled"])
    def test_without_an_answer_it_is_all_of_the_batch(self, region: Region, queue: Queue, how: str) -> None:
        """Whatever there was instead."""

        def handle(event: Any, context: Any) -> None:
            if len(code.events) == 1 and how != "is throttled":
                if how == "raises":
                    raise ValueError("as asked for")
                if how == "dies":
                    context.process.die("as asked for")
                context.process.sleep(2 * TIMEOUT_SECONDS)

        code = Code(handle)
        mapping = region.mapping(queue, code)
        if how == "is throttled":
            region.faults.inject("invocation_throttled")
        send(queue, "a-1", "b-1")
        region.scheduler.run()
        assert mapping.deliveries == 4
        assert code.batches == ([["a-1", "b-1"]] * 2)[how == "is throttled" :]
        assert [record["attributes"]["ApproximateReceiveCount"] for record in code.events[-1]["Records"]] == ["2", "2"]
        assert (queue.messages(), mapping.busy) == ([], 0)

    @pytest.mark.parametrize(
        ("answer", "times"),
        [
            ({"batchItemFailures": [{"itemIdentifier": "none"}]}, 3),
            ({"batchItemFailures": [{}]}, 3),
            ("done", 3),
            ({}, 1),
        ],
    )
    def test_an_answer_that_can_not_be_read_is_all_of_the_batch_again_and_again(
        self, region: Region, answer: Any, times: int
    ) -> None:
        """Until the redrive policy ends it."""
        queue = standard(region)
        dead = dead_letters(region, queue, 3)
        code = Code(lambda *_: answer)
        region.mapping(queue, code)
        send(queue, "a", "b")
        region.scheduler.run()
        assert self.times(code) == Counter(a=times, b=times)
        assert [message.body for message in dead.messages()] == ([] if times == 1 else ["a", "b"])

    def test_where_failures_are_not_asked_for_they_are_not_read(self, region: Region, queue: Queue) -> None:
        """All is deleted, whatever the answer says; only without one it comes again."""
        code = Failing(Code(lambda event, _: failures(event["Records"][0]["messageId"])), times=1)
        region.mapping(queue, code, reports_failures=False)
        send(queue, "a-1", "b-1")
        region.scheduler.run()
        assert self.times(code) == Counter({"a-1": 2, "b-1": 2})
        assert queue.messages() == []

    def test_a_message_that_is_received_too_often_is_a_dead_letter(self, region: Region) -> None:
        """And its group goes on."""
        queue = fifo(region)
        dead = dead_letters(region, queue, 2)
        code = Code(
            lambda event, _: failures(*[each["messageId"] for each in event["Records"] if each["body"] == "a-1"])
        )
        region.mapping(queue, code, batch_size=1)
        send(queue, "a-1", "a-2")
        region.scheduler.run()
        assert code.batches == [["a-1"], ["a-1"], ["a-2"]]
        assert [letter.body for letter in dead.messages()] == ["a-1"]


class TestAcknowledgement:
    @pytest.mark.parametrize("fifo_queue", [True, False], ids=["FIFO", "standard"])
    def test_one_that_is_lost_lets_all_come_again(self, region: Region, fifo_queue: bool) -> None:
        """What was done, and what was handed back as well."""
        queue = fifo(region) if fifo_queue else standard(region)
        code = Code()
        region.mapping(queue, code)
        region.faults.inject("acknowledgement_lost")
        send(queue, "a-1", "b-1")
        region.scheduler.run()
        assert code.batches == [["a-1", "b-1"]] * 2
        assert queue.messages() == []

    def test_one_that_comes_too_late_does_nothing_on_a_fifo_queue(self, region: Region) -> None:
        """The receipts have expired: who has worked for longer than the visibility timeout gets the batch again."""
        queue = fifo(region, VisibilityTimeout="2")
        code = Working(region, 3.0, 0.0)
        region.mapping(queue, code)
        send(queue, "a-1")
        region.scheduler.run()
        assert code.batches == [["a-1"]] * 2
        assert code.since_the_first[1] == pytest.approx(2.0, abs=COLD_START_SECONDS + 2 * POLL_SECONDS)
        assert queue.messages() == []

    def test_a_message_can_be_with_two_functions_at_once(self, region: Region) -> None:
        """When it becomes visible while the first still works on it."""
        queue = standard(region, VisibilityTimeout="2")
        code = Working(region, 3.0)
        region.mapping(queue, code)
        send(queue, "a")
        region.scheduler.run(region.scheduler.now + 60)
        assert code.most == 2
        assert code.batches[:2] == [["a"], ["a"]]

    def test_a_standard_queue_may_give_out_a_message_once_more(self, region: Region) -> None:
        """Though all is deleted: one of the batch, at once."""
        queue, code = standard(region), Working(region)
        region.mapping(queue, code)
        region.faults.inject("delivered_again")
        send(queue, "a", "b", "c")
        region.scheduler.run()
        assert code.batches[0] == ["a", "b", "c"]
        ((again,),) = code.batches[1:]
        assert again in ("a", "b", "c")
        assert code.since_the_first[1] < 2.0
        assert queue.messages() == []

    def test_a_fifo_queue_does_not(self, region: Region) -> None:
        """It gives each message once for each timeout."""
        queue, code = fifo(region), Code()
        region.mapping(queue, code)
        region.faults.inject("delivered_again")
        send(queue, "a-1")
        region.scheduler.run()
        assert code.batches == [["a-1"]]
        assert region.faults.left == Counter(delivered_again=1)


def test_the_trace_follows_an_event_into_its_invocations() -> None:
    """Messages that name it, what each invocation did with them, and its calls."""
    region = Region(follow=["order-7"])
    queue = standard(region)
    region.mapping(queue, Code(lambda _, context: region.put(context.process, "x") and None))
    queue.send('{"id": "order-7"}')
    region.scheduler.run()
    queue.send('{"id": "order-77"}')
    region.scheduler.run()
    told = [line.split("  ")[-1] for line in region.trace.lines]
    assert told == [
        "worker/1 gets it, 1 times so far",
        "worker dynamodb.put_item",
        "worker/1 has done with it",
    ]
