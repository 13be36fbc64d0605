"""A mapping on a queue: what becomes of the function's answer, or of the batch where there is none."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from testing.functions.fleet import COLD_START_SECONDS
from testing.functions.queue_mapping import POLL_SECONDS
from testing.sqs import Queue
from tests.testing.functions.queues import (
    VISIBILITY_SECONDS,
    Failing,
    Working,
    dead_letters,
    fifo,
    send,
    standard,
)
from tests.testing.functions.region import TIMEOUT_SECONDS, Code, Region, failures


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


def test_binary_attributes_are_in_base64(region: Region) -> None:
    """A function gets JSON: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"""
    queue, code = standard(region), Code()
    region.mapping(queue, code)
    queue.send("a", attributes={"seal": {"DataType": "Binary", "BinaryValue": b"\xff\x00"}})
    region.scheduler.run()
    assert code.events[0]["Records"][0]["messageAttributes"] == {
        "seal": {"binaryValue": "/wA=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"}
    }
    json.dumps(code.events)


def test_a_dead_letter_tells_where_it_came_from(region: Region) -> None:
    """To a function on the dead-letter queue, as the API does."""
    queue = standard(region)
    dead = dead_letters(region, queue, 1)
    letters = Code()
    region.mapping(queue, Code(lambda *_: "failed"))
    region.mapping(dead, letters)
    send(queue, "a")
    region.scheduler.run()
    assert letters.events[0]["Records"][0]["attributes"]["DeadLetterQueueSourceArn"] == queue.arn


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
