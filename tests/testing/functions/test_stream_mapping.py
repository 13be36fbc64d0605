"""A mapping on a table's stream: every record in order, again and again until the function has taken it."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from testing.functions.fleet import COLD_START_SECONDS
from testing.functions.stream_mapping import LONGEST_BACK_OFF_SECONDS, POLL_SECONDS, StreamMapping
from tests.testing.functions.region import Answer, Code, Region, failures

NAMES = [f"{number:02}" for number in range(20)]


class Reading(Code):
    """A function on a stream. `batches` are the items that it got, `taken` those that it took, `began` when."""

    def __init__(self, region: Region, handler: Answer = lambda event, context: failures()) -> None:
        super().__init__(handler)
        self.began: list[float] = []
        self.taken: list[str] = []
        self._region = region

    def answer(self, event: Any, context: Any) -> Any:
        self.began.append(self._region.scheduler.now)
        answer = super().answer(event, context)
        failed = (answer or {}).get("batchItemFailures") or [{}]
        for record in event["Records"]:
            if record["dynamodb"]["SequenceNumber"] == failed[0].get("itemIdentifier"):
                break
            self.taken.append(name(record))
        return answer

    @property
    def batches(self) -> list[list[str]]:
        return [[name(record) for record in event["Records"]] for event in self.events]


def name(record: Any) -> str:
    """Of the item that a record is about."""
    return str(record["dynamodb"]["Keys"]["id"]["S"])


def number(record: Any) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def put(region: Region, *names: str) -> None:
    for each in names:
        region.backend("dynamodb").put_item(TableName="things", Item={"id": {"S": each}})


def mapping(region: Region, code: Code, **settings: Any) -> StreamMapping:
    return StreamMapping(region, region.store, "things", region.fleet(code), **settings)


def once(handler: Answer) -> Answer:
    """Do this the first time, then answer that all is well."""
    times: list[None] = []

    def answer(event: Any, context: Any) -> Any:
        times.append(None)
        return handler(event, context) if len(times) == 1 else failures()

    return answer


def broken(*_: Any) -> Any:
    raise ValueError("as asked for")


class TestOrder:
    def test_records_come_in_order_in_batches(self, region: Region) -> None:
        """As AWS shows them, and soon."""
        code = Reading(region)
        reading = mapping(region, code, batch_size=8)
        assert reading.idle
        began_at = region.scheduler.now
        put(region, *NAMES)
        assert not reading.idle
        region.scheduler.run()
        assert code.batches == [NAMES[:8], NAMES[8:16], NAMES[16:]]
        assert (reading.idle, reading.deliveries) == (True, 20)
        assert code.began[0] - began_at == pytest.approx(POLL_SECONDS + COLD_START_SECONDS)
        record = code.events[0]["Records"][0]
        assert (record["eventSource"], record["eventName"]) == ("aws:dynamodb", "INSERT")
        assert record["dynamodb"]["NewImage"] == {"id": {"S": "00"}}

    def test_what_comes_while_the_function_works_is_next(self, region: Region) -> None:
        """No record is overtaken, and one invocation runs at a time."""
        code = Reading(region, lambda _, context: context.process.sleep(1.0))
        mapping(region, code)
        for each in range(5):
            region.scheduler.after(0.5 * each, partial(put, region, NAMES[each]))
        region.scheduler.run()
        assert [each for batch in code.batches for each in batch] == NAMES[:5]
        assert all(later - earlier >= 1.0 for earlier, later in pairwise(code.began))

    def test_it_wakes_for_what_comes_when_it_was_at_rest(self, region: Region) -> None:
        """Again and again."""
        code = Reading(region)
        reading = mapping(region, code)
        for each in NAMES[:3]:
            put(region, each)
            region.scheduler.run()
            assert reading.idle
        assert code.batches == [[each] for each in NAMES[:3]]

    @pytest.mark.parametrize(
        ("settings", "expected"),
        [({}, ["before", "a", "b"]), ({"event_names": ("REMOVE",)}, ["a"]), ({"event_names": ("MODIFY",)}, None)],
    )
    def test_only_changes_of_some_kinds_reach_the_function(
        self, region: Region, settings: Any, expected: list[str] | None
    ) -> None:
        """By default what is new, also what was there before the mapping; the rest is passed over."""
        code = Reading(region)
        put(region, "before")
        reading = mapping(region, code, **settings)
        put(region, "a", "b")
        region.backend("dynamodb").delete_item(TableName="things", Key={"id": {"S": "a"}})
        region.scheduler.run()
        assert code.batches == ([expected] if expected else [])
        assert reading.idle


class TestPartialResponses:
    def test_all_comes_again_from_the_first_failure_on(self, region: Region) -> None:
        """Also what came after it and was not named; what came before does not."""
        code = Reading(region, once(lambda event, _: failures(number(event["Records"][2]))))
        mapping(region, code)
        put(region, *NAMES[:5])
        region.scheduler.run()
        assert code.batches == [NAMES[:5], NAMES[2:5]]

    def test_the_lowest_of_several_failures_counts(self, region: Region) -> None:
        """Whatever their order in the answer."""
        code = Reading(region, once(lambda event, _: failures(*[number(event["Records"][n]) for n in (3, 1, 4)])))
        mapping(region, code)
        put(region, *NAMES[:5])
        region.scheduler.run()
        assert code.batches == [NAMES[:5], NAMES[1:5]]

    def test_the_next_batch_has_what_is_new_too(self, region: Region) -> None:
        """After what comes again."""
        code = Reading(region, once(lambda event, _: failures(number(event["Records"][1]))))
        mapping(region, code, batch_size=3)
        put(region, *NAMES[:5])
        region.scheduler.run()
        assert code.batches == [NAMES[:3], NAMES[1:4], NAMES[4:5]]

    @pytest.mark.parametrize("answer", [None, "", [], {}, {"batchItemFailures": None}, {"batchItemFailures": []}])
    def test_an_answer_without_failures_is_success(self, region: Region, answer: Any) -> None:
        """Recorded on AWS by LocalStack, test_dynamodb_report_batch_item_success_scenarios, and of Kinesis."""
        code = Reading(region, lambda *_: answer)
        mapping(region, code)
        put(region, "a", "b")
        region.scheduler.run()
        assert code.batches == [["a", "b"]]

    @pytest.mark.parametrize("entry", [{"itemIdentifier": each} for each in (123, "", None, "9")] + [{"foo": 123}])
    def test_an_answer_that_can_not_be_read_is_failure(self, region: Region, entry: Any) -> None:
        """Of the whole batch: recorded on AWS by LocalStack, test_dynamodb_report_batch_item_failure_scenarios."""
        code = Code(once(lambda *_: {"batchItemFailures": [entry]}))
        mapping(region, code)
        put(region, "a", "b")
        region.scheduler.run()
        assert [len(event["Records"]) for event in code.events] == [2, 2]
        assert code.events[0] == code.events[1]


class TestErrors:
    def test_a_batch_is_halved_until_the_record_that_breaks_it_is_alone(self, region: Region) -> None:
        """What is before it gets through, and it stops what is after it."""
        poison = [True]

        def handle(event: Any, _: Any) -> Any:
            if poison and any(name(record) == "05" for record in event["Records"]):
                raise ValueError("as asked for")
            return failures()

        code = Reading(region, handle)
        mapping(region, code, batch_size=8)
        put(region, *NAMES[:8])
        region.scheduler.run(region.scheduler.now + 300)
        assert code.taken == NAMES[:5]
        assert code.batches[-1] == ["05"]
        poison.clear()
        region.scheduler.run()
        assert code.taken == NAMES[:8]

    def test_batches_are_full_again_when_it_is_over(self, region: Region) -> None:
        """One error does not make it slow for ever."""
        code = Reading(region, once(broken))
        mapping(region, code, batch_size=8)
        put(region, *NAMES[:16])
        region.scheduler.run()
        assert code.batches == [NAMES[:8], NAMES[:4], NAMES[4:12], NAMES[12:16]]

    def test_it_waits_longer_and_longer_but_never_gives_up(self, region: Region) -> None:
        """A minute at most, for days."""
        code = Reading(region, broken)
        mapping(region, code)
        put(region, "a")
        region.scheduler.run(region.scheduler.now + 2 * 24 * 3600)
        waits = [later - earlier for earlier, later in pairwise(code.began)]
        assert waits[:4] == pytest.approx([1.0, 2.0, 4.0, 8.0])
        assert waits == sorted(waits)
        assert waits[-1] == pytest.approx(LONGEST_BACK_OFF_SECONDS)
        assert len(waits) > 2_000

    def test_a_success_ends_the_longer_waits(self, region: Region) -> None:
        """Of a part, too."""
        answers = iter([broken, broken, lambda event, _: failures(number(event["Records"][1])), broken])
        code = Reading(region, lambda event, context: next(answers, lambda *_: failures())(event, context))
        mapping(region, code)
        put(region, *NAMES[:8])
        region.scheduler.run()
        waits = [later - earlier for earlier, later in pairwise(code.began)]
        assert waits[:4] == pytest.approx([1.0, 2.0, 0.5, 1.0])


@pytest.mark.parametrize(
    "faults",
    [["invocation_throttled"], ["dies_before_call"], ["dies_after_call"], ["lost_reply"], ["slow", "throttled"]],
)
def test_nothing_is_lost_or_skipped_whatever_goes_wrong(faults: list[str]) -> None:
    """Each record is done at last, and the first time in order."""
    for seed in range(5):
        region = Region(seed)
        region.store.create_table("done", "id")
        done: list[str] = []

        def handle(event: Any, context: Any, done: list[str] = done) -> Any:
            client = context.process.client("dynamodb")
            for record in event["Records"]:
                client.put_item(TableName="done", Item={"id": {"S": name(record)}})
                done.append(name(record))
            return failures()

        reading = mapping(region, Code(handle), batch_size=6)
        for fault in faults:
            region.faults.inject(fault, times=7)
        for each in range(20):
            region.scheduler.after(0.3 * each, partial(put, region, NAMES[each]))
        region.scheduler.run()
        assert list(dict.fromkeys(done)) == NAMES
        assert sorted(item["id"]["S"] for item in region.store.items("done")) == NAMES
        assert reading.idle
        assert not region.faults.left


def test_a_stream_may_lose_records(region: Region) -> None:
    """Then the function never sees them: whoever needs them must look for them elsewhere."""
    code = Reading(region)
    reading = mapping(region, code, batch_size=8)
    region.faults.inject("stream_records_lost", at="worker stream")
    put(region, *NAMES)
    region.scheduler.run()
    assert code.batches == [NAMES[8:16], NAMES[16:]]
    assert reading.idle
