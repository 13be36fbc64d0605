"""The publisher: batches within SNS's limits, order per group, every entry accounted for."""

from __future__ import annotations

import itertools
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from messaging.events import OrderPlaced
from messaging.lanes import MAX_BATCH_BYTES
from messaging.outgoing import prepare
from messaging.publish_report import PublishReport
from messaging.publisher import Publisher
from messaging.subscription import Subscription
from messaging.topic import Topic
from messaging.topology import ORDERS
from tests.factories import NOW, body, order


class FakeSns:
    """A FIFO topic that keeps what it accepts; `script` gives, by event id, the codes to refuse it with first."""

    def __init__(self, script: dict[str, list[str]] | None = None, errors: list[Exception] | None = None) -> None:
        self.script = script or {}
        self.errors = errors or []
        self.requests: list[list[dict[str, Any]]] = []
        self.accepted: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 (AWS's names)
        with self._lock:
            assert TopicArn == "arn:topic"
            self.requests.append(PublishBatchRequestEntries)
            if self.errors:
                raise self.errors.pop(0)
            failed = []
            for entry in PublishBatchRequestEntries:
                codes = self.script.get(json.loads(entry["Message"])["id"])
                if codes:
                    code = codes.pop(0)
                    failed.append(
                        {"Id": entry["Id"], "Code": code, "SenderFault": code != "InternalError", "Message": ""}
                    )
                else:
                    self.accepted.append(entry)
            return {"Failed": failed}

    def ids(self) -> list[str]:
        return [json.loads(entry["Message"])["id"] for entry in self.accepted]


def publish(sns: Any, events: list[OrderPlaced], *, resend: str | None = None, **options: Any) -> PublishReport:
    settings = {"topic": ORDERS, "clock": lambda: NOW, "sleep": lambda _: None, **options}
    return Publisher(sns, topic_arn="arn:topic", source="urn:waybill:test", **settings).publish(events, resend=resend)


def test_a_batch_has_at_most_ten_entries_and_names_group_and_deduplication_id() -> None:
    """What SNS FIFO needs of each entry is there; filters see type and priority."""
    sns = FakeSns()
    report = publish(sns, [order(str(n), customer_id=f"C{n}") for n in range(25)], concurrency=1)
    assert sorted(len(request) for request in sns.requests) == [5, 10, 10]
    assert len(report.published) == 25
    entry = sns.accepted[0]
    assert (entry["MessageGroupId"], entry["MessageDeduplicationId"]) == ("C0", "OrderPlaced-0")
    assert entry["MessageAttributes"]["priority"] == {"DataType": "String", "StringValue": "standard"}


def test_a_batch_stays_within_the_bytes_that_sns_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies and attributes together: three bodies would fit, with their attributes only two do."""
    assert MAX_BATCH_BYTES == 256 * 1024
    events = [order(str(n), customer_id=f"C{n}") for n in range(9)]
    monkeypatch.setattr("messaging.lanes.MAX_BATCH_BYTES", 3 * len(body(events[0])))
    sns = FakeSns()
    publish(sns, events, concurrency=1)
    assert [len(request) for request in sns.requests] == [2, 2, 2, 2, 1]
    assert len(sns.accepted) == 9


def test_between_attempts_it_waits_longer_and_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exponential with full jitter: the ceilings double."""
    monkeypatch.setattr("messaging.publisher.random.uniform", lambda _, ceiling: ceiling)
    slept: list[float] = []
    publish(FakeSns({"OrderPlaced-0": ["Throttled"] * 4}), [order("0")], sleep=slept.append)
    assert slept == [0.2, 0.4, 0.8, 1.6]


def test_a_refused_entry_does_not_hold_up_the_others_of_its_lane() -> None:
    """Their events go on, and only when none is left there is a pause for the one that is refused for now."""
    sns = FakeSns({"OrderPlaced-A-0": ["Throttled"]})
    pauses: list[int] = []
    events = [order(f"{customer}-{n}", customer_id=customer) for n in range(3) for customer in "AB"]
    report = publish(sns, events, concurrency=1, sleep=lambda _: pauses.append(len(sns.accepted)))
    assert sns.ids() == [f"OrderPlaced-{each}" for each in ("B-0", "B-1", "B-2", "A-0", "A-1", "A-2")]
    assert pauses == [3]
    assert report.failed == ()


def test_a_topic_that_takes_nothing_is_not_asked_at_once_again() -> None:
    """Where a whole request is refused, the lane's other groups wait too."""
    busy = ClientError({"Error": {"Code": "ThrottledException", "Message": ""}}, "PublishBatch")
    sns = FakeSns(errors=[busy])
    pauses: list[int] = []
    events = [order(str(n), customer_id=f"C{n}") for n in range(20)]
    publish(sns, events, concurrency=1, sleep=lambda _: pauses.append(len(sns.requests)))
    assert pauses == [1]
    assert len(sns.accepted) == 20


def test_batches_run_side_by_side() -> None:
    """Ten lanes have ten requests in flight at once, as many as a client has connections."""
    together = threading.Barrier(10, timeout=10)

    class Slow(FakeSns):
        def publish_batch(self, **request: Any) -> dict[str, Any]:
            together.wait()
            return super().publish_batch(**request)

    # every lane sends exactly one batch, and none can go on before all ten are there
    report = publish(Slow(), [order(str(n), customer_id=f"C{n}") for n in range(100)])
    assert len(report.published) == 100


@pytest.mark.fault(50)
def test_a_refused_entry_is_sent_again_and_only_it() -> None:
    """A throttled entry is retried; its neighbours are not repeated."""
    sns = FakeSns({"OrderPlaced-1": ["Throttled", "InternalError"]})
    report = publish(sns, [order(str(n), customer_id=f"C{n}") for n in range(3)])
    assert sorted(report.published) == sorted(sns.ids()) == ["OrderPlaced-0", "OrderPlaced-1", "OrderPlaced-2"]
    assert report.failed == ()


@pytest.mark.fault(50)
def test_an_entry_given_up_is_reported_and_holds_back_its_group() -> None:
    """After the last attempt the event and all that follow in its group are reported one by one."""
    sns = FakeSns({"OrderPlaced-0": ["InternalError"] * 5})
    report = publish(sns, [order(str(n), customer_id="A") for n in range(3)] + [order("9", customer_id="B")])
    assert [(entry.event_id, entry.code) for entry in report.failed] == [
        ("OrderPlaced-0", "InternalError"),
        ("OrderPlaced-1", "held_back"),
        ("OrderPlaced-2", "held_back"),
    ]
    assert report.published == ("OrderPlaced-9",)


def test_the_senders_own_fault_is_not_retried() -> None:
    """What can never be accepted is sent once."""
    sns = FakeSns({"OrderPlaced-0": ["InvalidParameter"] * 5})
    assert len(publish(sns, [order("0")]).failed) == 1
    assert len(sns.requests) == 1


@pytest.mark.fault(3)
@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "PublishBatch"),
        EndpointConnectionError(endpoint_url="http://sns"),
    ],
)
def test_a_request_that_fails_as_a_whole_is_repeated_with_the_same_deduplication_ids(error: Exception) -> None:
    """If the lost answer was a success, SNS drops the second copy."""
    sns = FakeSns(errors=[error])
    report = publish(sns, [order("0")])
    first, second = sns.requests
    assert first[0]["MessageDeduplicationId"] == second[0]["MessageDeduplicationId"]
    assert report.published == ("OrderPlaced-0",)


@pytest.mark.parametrize(
    ("code", "own_fault"),
    [("InvalidParameter", True), ("InvalidParameterValue", True), ("NotFound", False), ("KMSDisabled", False)],
)
def test_the_messages_own_fault_is_told_from_what_can_be_mended(code: str, own_fault: bool) -> None:
    """A wrong message never gets through; a missing right or key may come back."""
    (failed,) = publish(FakeSns({"OrderPlaced-0": [code]}), [order("0")]).failed
    assert (failed.final, failed.own_fault) == (True, own_fault)


class OneBadApple:
    """SNS as it answers a batch with one entry that it can't take: it refuses the call and says nothing of entries."""

    def __init__(self, event_id: str, code: str) -> None:
        self.accepted: list[str] = []
        self._event_id = event_id
        self._code = code

    def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 (AWS's names)
        ids = [entry["MessageDeduplicationId"] for entry in PublishBatchRequestEntries]
        if self._event_id in ids:
            raise ClientError({"Error": {"Code": self._code, "Message": ""}}, "PublishBatch")
        self.accepted += ids
        return {"Failed": []}


@pytest.mark.parametrize("code", ["InvalidParameter", "ParameterValueInvalid"])
def test_an_entry_that_has_the_call_refused_fails_alone(code: str) -> None:
    """SNS names no entry, so each is sent by itself."""
    sns = OneBadApple("OrderPlaced-1", code)
    report = publish(sns, [order(str(n), customer_id=f"C{n}") for n in range(4)])
    assert sns.accepted == ["OrderPlaced-0", "OrderPlaced-2", "OrderPlaced-3"]
    assert [(entry.event_id, entry.final) for entry in report.failed] == [("OrderPlaced-1", True)]


def test_a_refused_call_is_nobodys_own_fault() -> None:
    """It says nothing of the messages in it."""
    error = ClientError({"Error": {"Code": "InvalidParameter", "Message": ""}}, "PublishBatch")
    (failed,) = publish(FakeSns(errors=[error]), [order("0")]).failed
    assert (failed.final, failed.own_fault) == (True, False)


def attempted(
    sns: FakeSns, messages: list[OrderPlaced], has_time: Iterator[bool]
) -> tuple[list[str | None], list[float]]:
    """The code of each message, and the pauses."""
    slept: list[float] = []
    publisher = Publisher(
        sns, topic=ORDERS, topic_arn="arn:topic", source="urn:x", concurrency=1, sleep=slept.append, clock=lambda: NOW
    )
    outgoing = [prepare(each, source="urn:x", time=datetime.fromtimestamp(NOW, UTC)) for each in messages]
    failures = publisher.attempt(outgoing, has_time=lambda: next(has_time, False))
    return [failure.code if failure else None for failure in failures], slept


def test_each_message_has_its_own_answer() -> None:
    """In the order of the messages, also where two are of the same event."""
    sns = FakeSns({"OrderPlaced-1": ["InvalidParameter"]})
    events = [order(number, customer_id="A") for number in ("0", "0", "1", "2")]
    codes, _ = attempted(sns, events, itertools.repeat(True))
    assert codes == [None, None, "InvalidParameter", "held_back"]


def test_out_of_time_nothing_more_is_sent() -> None:
    """What is left of a group fails with that reason, in one piece."""
    events = [order(str(n), customer_id="A") for n in range(4)]
    codes, _ = attempted(FakeSns(), events, iter([True, True]))
    assert codes == [None, None, "out_of_time", "out_of_time"]


def test_out_of_time_it_does_not_wait() -> None:
    """A pause that outlasts the caller is none."""
    codes, slept = attempted(FakeSns({"OrderPlaced-0": ["Throttled"]}), [order("0")], iter([True]))
    assert (codes, slept) == (["out_of_time"], [])


def test_a_missing_topic_is_not_retried() -> None:
    """Every event is reported, none raises."""
    errors: list[Exception] = [ClientError({"Error": {"Code": "NotFound", "Message": ""}}, "PublishBatch")] * 9
    sns = FakeSns(errors=errors)
    report = publish(sns, [order(str(n), customer_id=f"C{n}") for n in range(3)], concurrency=1)
    assert {entry.code for entry in report.failed} == {"NotFound"}
    assert len(sns.requests) == 1


def test_an_invalid_event_is_reported_and_the_rest_is_published() -> None:
    """One wrong event of a caller stops nobody."""
    surrogate = msgspec.structs.replace(order().ship_to, name="\ud800")
    broken = [
        msgspec.structs.replace(order("1"), customer_id="AL\x07"),
        msgspec.structs.replace(order("3"), ship_to=surrogate),
        msgspec.structs.replace(order("4"), lines=object()),
    ]
    report = publish(FakeSns(), [order("0"), *broken, order("2")])
    assert report.published == ("OrderPlaced-0", "OrderPlaced-2")
    assert [(entry.event_id, entry.code) for entry in report.failed] == [
        (f"OrderPlaced-{n}", "invalid") for n in ("1", "3", "4")
    ]


def test_an_oversized_event_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is never sent, and named."""
    monkeypatch.setattr("messaging.publisher.MAX_BODY_BYTES", 500)
    report = publish(FakeSns(), [order("0")])
    assert [entry.code for entry in report.failed] == ["too_large"]


def test_a_client_is_not_touched_before_there_is_something_to_send() -> None:
    """A function's client is made when it is first asked for anything, and a run with nothing to send needs none."""

    class Untouched:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"asked for {name}")

    assert publish(Untouched(), []).published == ()


@pytest.mark.fault(48)
def test_an_event_that_no_subscription_takes_is_counted() -> None:
    """SNS accepts it and drops it in silence; the report does not."""
    topic = Topic(
        name="t", subscriptions=(Subscription(consumer="c", events=(OrderPlaced,), where={"priority": ["high"]}),)
    )
    report = publish(FakeSns(), [order("0"), order("1", priority="high")], topic=topic)
    assert report.unrouted == ("OrderPlaced-0",)
    assert len(report.published) == 2


@pytest.mark.fault(4)
def test_a_resend_has_fresh_deduplication_ids_and_the_same_event_id() -> None:
    """The topic lets it through, the inbox recognizes it."""
    sns = FakeSns()
    publish(sns, [order("0")])
    publish(sns, [order("0")], resend="run-2")
    assert [entry["MessageDeduplicationId"] for entry in sns.accepted] == ["OrderPlaced-0", "OrderPlaced-0~run-2"]
    assert set(sns.ids()) == {"OrderPlaced-0"}


def test_no_resend_of_one_event_looks_like_another_event() -> None:
    """Order 1001 resent as 2, and order 1001.2: SNS would drop the second of two equal deduplication ids."""
    sns = FakeSns()
    publish(sns, [order("1001")], resend="2")
    publish(sns, [order("1001.2")])
    assert len({entry["MessageDeduplicationId"] for entry in sns.accepted}) == 2


def test_nothing_to_publish_is_fine() -> None:
    """An empty run makes no request."""
    sns = FakeSns()
    assert publish(sns, []) == PublishReport(published=(), failed=(), unrouted=())
    assert sns.requests == []


@pytest.mark.fault(50)
@given(
    customers=st.lists(st.sampled_from("ABCDE"), max_size=40),
    refusals=st.dictionaries(st.integers(0, 39), st.integers(1, 6), max_size=10),
)
def test_order_within_a_group_holds_whatever_is_refused(customers: list[str], refusals: dict[int, int]) -> None:
    """What a group published is always a prefix of what it was given, in order; nothing is lost between the lists."""
    events = [order(str(n), customer_id=customer) for n, customer in enumerate(customers)]
    sns = FakeSns({f"OrderPlaced-{n}": ["Throttled"] * times for n, times in refusals.items()})
    report = publish(sns, events)
    accepted: dict[str, list[str]] = defaultdict(list)
    for entry in sns.accepted:
        accepted[entry["MessageGroupId"]].append(json.loads(entry["Message"])["id"])
    for customer in set(customers):
        given_ids = [event.event_id for event in events if event.customer_id == customer]
        assert accepted[customer] == given_ids[: len(accepted[customer])]
    assert sorted([*report.published, *(entry.event_id for entry in report.failed)]) == sorted(
        e.event_id for e in events
    )
