"""What the end-to-end benchmark makes of what functions tell, and which rows it deploys."""

from __future__ import annotations

import json

import pytest

from benchmarks import counters, end_to_end
from benchmarks.counters import Batch
from benchmarks.end_to_end import Run


def told(**values: object) -> str:
    return json.dumps({"_aws": {}, **values})


@pytest.mark.parametrize(
    ("line", "batches"),
    [
        (told(Records=2, EndToEndLatency=[3.0, 5.0], EffectLatency=2.5), [Batch(2, [3.0, 5.0], 2.5)]),
        (told(Records=[1], EndToEndLatency=[3.0], EffectLatency=[2.5]), [Batch(1, [3.0], 2.5)]),
        (told(Records=1, EffectLatency=2.5), [Batch(1, [], 2.5)]),  # none of it applied
        (told(Records=100, EndToEndLatency=[1.0] * 100), []),  # the first of two documents of a large batch
        ("START RequestId: 1", []),
    ],
)
def test_a_line_of_a_function_is_a_batch_or_nothing(line: str, batches: list[Batch]) -> None:
    """Powertools writes one value, or a list of it."""
    assert [*counters._batch(line)] == batches


def test_a_run_counts_what_was_applied_and_what_our_part_took() -> None:
    """A record's part of the time that its batch was in our function."""
    run = Run(deliveries=30, seconds=2.0, batches=[Batch(10, [], 20.0), Batch(20, [], 10.0)])
    assert run.a_second == 15
    assert run.milliseconds_a_record == 1.0


def test_percentiles_are_of_records_not_of_batches() -> None:
    """A hundred records in two batches."""
    run = Run(100, 1.0, [Batch(50, [float(each) for each in range(1, 51)], 0.0), Batch(50, [100.0] * 50, 0.0)])
    assert end_to_end._percentiles(run) == {50: 75.0, 95: 100.0, 99: 100.0}


def test_queues_get_what_the_topic_would_deliver() -> None:
    """FIFO ones group and id, standard ones neither; the attributes that filters read."""
    ordered, plain = counters._queued(7, fifo=True), counters._queued(7, fifo=False)
    assert (ordered["MessageGroupId"], ordered["MessageDeduplicationId"]) == ("customer-7", "OrderPlaced-bench-7")
    assert not {"MessageGroupId", "MessageDeduplicationId"} & plain.keys()
    assert plain["MessageAttributes"]["type"]["StringValue"] == "OrderPlaced"
    assert json.loads(plain["MessageBody"])["id"] == "OrderPlaced-bench-7"
