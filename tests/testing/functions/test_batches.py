"""A mapping on a queue: what it hands to the function, how much at once, and when."""

from __future__ import annotations

from functools import partial

import pytest

from testing.functions.fleet import COLD_START_SECONDS
from testing.functions.queue_mapping import POLL_SECONDS
from tests.testing.functions.queues import VISIBILITY_SECONDS, Failing, Working, fifo, send, standard
from tests.testing.functions.region import Code, Region, failures

WINDOW_SECONDS = 2.0


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
        assert code.began[0] - began_at == pytest.approx(WINDOW_SECONDS + COLD_START_SECONDS)

    def test_a_full_batch_does_not_wait_for_its_end(self, region: Region) -> None:
        """Nor does what would not wait without it."""
        queue, code = standard(region), Working(region)
        region.mapping(queue, code, window_seconds=300, batch_size=3)
        began_at = region.scheduler.now
        for seconds, bodies in ((0.0, "ab"), (1.0, "c"), (5.0, "d")):
            region.scheduler.after(seconds, partial(send, queue, *bodies))
        region.scheduler.run()
        assert code.batches == [["a", "b", "c"], ["d"]]
        assert code.began[0] - began_at == pytest.approx(1.0 + POLL_SECONDS + COLD_START_SECONDS)
        assert code.began[1] - began_at == pytest.approx(305.0)

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
