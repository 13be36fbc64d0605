"""Backlogs: counted, measured, and forecast; what is not known is not zero."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.depths import Depth, Gauge, Places, changed, count, measured
from testing.scheduler import Scheduler
from testing.sqs import Client, Sqs
from tests.cli.fakes import Paginated

NOW = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)
PLACES = Places(
    consumer="analytics",
    queue_url="https://sqs/1/queue",
    dead_letter_queue_url="https://sqs/1/dead",
    topic_dead_letter_queue_url="https://sqs/1/undelivered",
)


def depth(**members: Any) -> Depth:
    counts = {"visible": 0, "in_flight": 0, "delayed": 0, "dead": 0, "undelivered": 0}
    return Depth(consumer="analytics", **{**counts, **members})


def cloudwatch(**values: list[float]) -> Paginated:
    """Metrics of the first queue: `age`, `in` (as `sent`) and `out`."""

    def pages(**request: Any) -> Any:
        for query in request["MetricDataQueries"]:
            yield {"MetricDataResults": [{"Id": query["Id"], "Values": values.get(query["Id"], [])}]}

    return Paginated(get_metric_data=pages)


def test_all_three_queues_are_counted() -> None:
    """Messages that are hidden are there too."""
    sqs = Sqs(Scheduler(0))
    urls = {name: Client(sqs).create_queue(QueueName=name)["QueueUrl"] for name in ("queue", "dead", "undelivered")}
    places = Places(
        consumer="analytics",
        queue_url=urls["queue"],
        dead_letter_queue_url=urls["dead"],
        topic_dead_letter_queue_url=urls["undelivered"],
    )
    client = Client(sqs)
    for name, messages in (("queue", 3), ("dead", 2), ("undelivered", 1)):
        for number in range(messages):
            client.send_message(QueueUrl=urls[name], MessageBody=str(number))
    client.receive_message(QueueUrl=urls["queue"])
    (found,) = count(client, [places])
    assert (found.visible, found.in_flight, found.dead, found.undelivered) == (2, 1, 2, 1)
    assert found.total == 3


def test_age_and_rates_are_cloudwatchs() -> None:
    """The newest age, and the rates of whole minutes."""
    client = cloudwatch(age0=[90.0, 30.0], in0=[600.0, 300.0], out0=[1200.0])
    (found,) = measured(client, [PLACES], [depth(visible=100)], NOW)
    assert (found.age_seconds, found.rate_in, found.rate_out, found.change) == (90.0, 3.0, 4.0, -1.0)
    assert (found.forecast, found.drained_in_seconds) == ("draining", 100.0)
    (asked,) = client.asked
    assert asked["EndTime"] == NOW.replace(second=0)
    assert asked["StartTime"] == asked["EndTime"] - timedelta(minutes=5)
    assert {query["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for query in asked["MetricDataQueries"]} == {
        "queue"
    }


def test_what_cloudwatch_does_not_know_is_unknown() -> None:
    """Never 0: a queue whose oldest message is not known may be hours late."""
    (found,) = measured(cloudwatch(), [PLACES], [depth(visible=100)], NOW)
    assert (found.age_seconds, found.rate_in, found.rate_out, found.change) == (None, None, None, None)
    assert (found.forecast, found.drained_in_seconds) == ("unknown", None)


def test_no_request_has_too_many_queries() -> None:
    """500 is all that CloudWatch takes."""
    client = cloudwatch()
    measured(client, [PLACES] * 200, [depth()] * 200, NOW)
    assert [len(request["MetricDataQueries"]) for request in client.asked] == [500, 100]


@pytest.mark.parametrize(
    ("before", "after", "change", "forecast", "seconds"),
    [
        (100, 80, -10.0, "draining", 8.0),
        (80, 100, 10.0, "growing", None),
        (80, 80, 0.0, "steady", None),
        (10, 0, -5.0, "empty", 0.0),
    ],
)
def test_two_looks_tell_how_a_backlog_changes(
    before: int, after: int, change: float, forecast: str, seconds: float | None
) -> None:
    """Two seconds apart. In and out stay unknown, for only their difference is seen."""
    (found,) = changed([depth(visible=before)], [depth(visible=after)], 2.0)
    assert (found.change, found.forecast, found.drained_in_seconds) == (change, forecast, seconds)
    assert (found.rate_in, found.rate_out) == (None, None)


def test_a_metric_says_it_better_than_two_looks() -> None:
    """And a consumer that was not there before is unknown."""
    assert changed([depth(visible=9)], [depth(visible=1, change=3.0)], 2.0)[0].change == 3.0
    assert changed([], [depth(visible=1)], 2.0)[0].change is None


def test_a_gauge_remembers_its_last_look() -> None:
    """The first look of an engine without metrics knows no change, the second does."""

    class Shrinking:
        left = 12

        def get_queue_attributes(self, **request: Any) -> dict[str, Any]:
            if request["QueueUrl"] != PLACES.queue_url:
                return {"Attributes": {}}
            self.left -= 2
            return {"Attributes": {"ApproximateNumberOfMessages": str(self.left)}}

    gauge = Gauge(Shrinking(), cloudwatch(), [PLACES])
    looks = [gauge.look(NOW + timedelta(seconds=number)) for number in range(3)]
    assert [(found.visible, found.change) for (found,) in looks] == [(10, None), (8, -2.0), (6, -2.0)]
