"""SQS as a source: shapes in, responses and dead letters out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from messaging import sqs
from messaging.deadline import always
from messaging.errors import InvalidResponse
from messaging.sqs import SqsQueue, deliveries, response
from tests.doubles import Wire, refuse
from tests.factories import delivery, sqs_event

ORACLE = Path(__file__).parents[3] / "shared" / "oracle" / "test_lambda_integration_sqs.snapshot.json"


class FakeSqs:
    def __init__(self, failed: list[dict[str, str]] | None = None) -> None:
        self.sent: list[dict[str, Any]] = []
        self.changed: list[dict[str, Any]] = []
        self.failed = failed or []

    def send_message(self, **request: Any) -> dict[str, Any]:
        self.sent.append(request)
        return {}

    def change_message_visibility_batch(self, **request: Any) -> dict[str, Any]:
        self.changed.append(request)
        return {"Failed": self.failed}


def queue(client: Any) -> SqsQueue:
    return SqsQueue(client, queue_url="https://queue", dead_letter_queue_url="https://dead")


def test_records_become_deliveries() -> None:
    """Identity, group, attempt and times come from where Lambda puts them."""
    expected = [delivery("a", "m1", attempt=3), delivery("b", "m2")]
    assert deliveries(sqs_event(*expected)) == expected


def test_a_standard_queue_has_no_groups() -> None:
    """A group id on a standard queue (fair queues) gives no order, so it holds nobody back."""
    grouped = delivery("a", "m1", group="tenant")
    assert deliveries(sqs_event(grouped, queue="analytics"))[0].group is None


@pytest.mark.parametrize("event", [{}, {"Records": []}])
def test_an_empty_event_is_an_empty_batch(event: dict[str, Any]) -> None:
    """Invoking a function by hand with nothing is harmless."""
    assert response(deliveries(event), []) == {"batchItemFailures": []}


@pytest.mark.fault(13)
def test_the_response_names_failed_records_by_message_id() -> None:
    """The only key is itemIdentifier, its value the record's messageId."""
    batch = [delivery("a", "m1"), delivery("b", "m2")]
    assert response(batch, batch[1:]) == {"batchItemFailures": [{"itemIdentifier": "m2"}]}


@pytest.mark.fault(14)
def test_a_record_that_a_standard_queue_sent_twice_is_handed_back_once() -> None:
    """Lambda takes a repeated identifier for an error."""
    twice = [delivery("a", "m1", fifo=False)] * 2
    assert response(twice, twice) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


@pytest.mark.fault(13, 14)
@pytest.mark.parametrize("failed", [[delivery("a", "")], [delivery("a", "m9")]])
def test_a_response_that_lambda_would_misread_is_refused(failed: list[Any]) -> None:
    """An empty or unknown identifier never leaves the function."""
    with pytest.raises(InvalidResponse):
        response([delivery("a", "m1")], failed)


@pytest.mark.fault(6)
def test_a_dead_letter_is_the_message_byte_for_byte_with_our_attribute() -> None:
    """Body and attributes stay; `waybill` is added; group and received record's id are what FIFO needs."""
    client = FakeSqs()
    attributes = {
        "type": {"stringValue": "OrderPlaced", "dataType": "String"},
        "blob": {"binaryValue": "AAE=", "dataType": "Binary"},
        sqs.ATTRIBUTE: {"stringValue": "an older one, from before a redrive", "dataType": "String"},
    }
    dead = delivery(" not JSON \r\n", "m1", attributes=attributes)
    assert queue(client).dead_letter(dead, {"reason": "poison"})
    (request,) = client.sent
    assert request["QueueUrl"] == "https://dead"
    assert request["MessageBody"] == " not JSON \r\n"
    assert request["MessageAttributes"]["type"] == {"DataType": "String", "StringValue": "OrderPlaced"}
    assert request["MessageAttributes"]["blob"] == {"DataType": "Binary", "BinaryValue": b"\x00\x01"}
    assert json.loads(request["MessageAttributes"][sqs.ATTRIBUTE]["StringValue"]) == {"reason": "poison"}
    assert (request["MessageGroupId"], request["MessageDeduplicationId"]) == ("by-hand", "m1")


@pytest.mark.parametrize("older", ["[1]", "{", '{"reason": "poison"}', "7"])
def test_only_what_a_redrive_has_noted_outlives_the_next_dead_letter(older: str) -> None:
    """The attribute is replaced but for that; whatever else somebody has put there is not trusted."""
    client = FakeSqs()
    noted = '{"redrives": 2, "replaces": "m0", "reason": "stale"}'
    for text in (older, noted):
        attributes = {sqs.ATTRIBUTE: {"stringValue": text, "dataType": "String"}}
        queue(client).dead_letter(delivery("x", "m1", attributes=attributes), {"reason": "killer"})
    facts = [json.loads(sent["MessageAttributes"][sqs.ATTRIBUTE]["StringValue"]) for sent in client.sent]
    assert facts == [{"reason": "killer"}, {"reason": "killer", "redrives": 2, "replaces": "m0"}]


def test_a_standard_dead_letter_has_no_group() -> None:
    """Standard queues take no deduplication id."""
    client = FakeSqs()
    queue(client).dead_letter(delivery("x", "m1", fifo=False), {})
    assert "MessageGroupId" not in client.sent[0]
    assert "MessageDeduplicationId" not in client.sent[0]


def test_a_refused_dead_letter_is_told() -> None:
    """The caller then leaves the message to SQS's own redrive."""
    wire = Wire(FakeSqs())
    wire.before["send_message"] = [refuse("InvalidMessageContents")]
    assert not queue(wire).dead_letter(delivery("x", "m1"), {})


def test_postponing_takes_one_call_for_ten() -> None:
    """Twelve records are two calls, each entry with its own handle and the delay."""
    client = FakeSqs()
    assert queue(client).postpone([(delivery("x", f"m{n}"), n) for n in range(12)], always)
    assert [len(request["Entries"]) for request in client.changed] == [10, 2]
    assert client.changed[1]["Entries"][0] == {"Id": "0", "ReceiptHandle": "handle-m10", "VisibilityTimeout": 10}


def test_a_refused_postponement_is_told() -> None:
    """Per entry or as a whole: then the visibility timeout goes on as it is."""
    assert not queue(FakeSqs(failed=[{"Id": "0"}])).postpone([(delivery("x"), 7)], always)
    wire = Wire(FakeSqs())
    wire.before["change_message_visibility_batch"] = [refuse("RequestThrottled")]
    assert not queue(wire).postpone([(delivery("x"), 7)], always)


@pytest.mark.skipif(not ORACLE.exists(), reason="the recordings of AWS are kept beside the project, not in it")
class TestRecordedFromAws:
    """The recordings of real AWS agree with what we assume."""

    def test_recorded_records_are_read(self) -> None:
        """Every SQS record that AWS recorded has what a delivery needs."""
        read = 0
        for record in _records(json.loads(ORACLE.read_text())):
            numbers = {"ApproximateReceiveCount": "1", "ApproximateFirstReceiveTimestamp": "1790000000000"}
            sound = {**record, "attributes": {**record["attributes"], **numbers}}  # recorded as placeholders
            (read_back,) = deliveries({"Records": [sound]})
            assert read_back.body == record["body"]
            read += 1
        assert read > 10

    def test_our_event_shape_is_the_recorded_one(self) -> None:
        """The factory's records have the keys of a recorded FIFO-less record, neither more nor less."""
        recorded = next(iter(_records(json.loads(ORACLE.read_text()))))
        ours = sqs_event(delivery("x", fifo=False))["Records"][0]
        assert ours.keys() == recorded.keys() | {"messageAttributes"}
        assert ours["attributes"].keys() == recorded["attributes"].keys()

    @pytest.mark.fault(13, 14)
    def test_what_our_response_names_is_what_aws_delivered_again(self) -> None:
        """Built for the recorded batch, it is the recorded response, and AWS sent just those records once more."""
        recorded = json.loads(ORACLE.read_text())
        case = next(v for k, v in recorded.items() if k.endswith("::test_report_batch_item_failures"))
        first, second = (
            case["recorded-content"][f"{n}_invocation"]["Messages"][0]["Body"] for n in ("first", "second")
        )
        batch = [delivery("x", record["messageId"]) for record in first["event"]["Records"]]
        failing = {r["messageId"] for r in first["event"]["Records"] if r["body"]["fail_attempts"] > 0}
        ours = response(batch, [each for each in batch if each.id in failing])
        assert ours == first["result"]
        again = [record["messageId"] for record in second["event"]["Records"]]
        assert again == [each["itemIdentifier"] for each in ours["batchItemFailures"]]


def _records(node: Any) -> Any:
    if isinstance(node, dict):
        if node.get("eventSource") == "aws:sqs" and isinstance(node.get("body"), str):
            yield node
        for child in node.values():
            yield from _records(child)
    elif isinstance(node, list):
        for child in node:
            yield from _records(child)
