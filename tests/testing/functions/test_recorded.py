"""A queue's mapping held against what AWS was recorded to do: events, what came again, and what ended as a dead letter.

Queues, messages and functions are those of the recordings, which LocalStack's tests made:
https://github.com/localstack/localstack/blob/8b9a79f05846835cf4dff63ab7eefdde9df83783/tests/aws/services/lambda_/event_source_mapping/test_lambda_integration_sqs.py
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from messaging.sqs import deliveries, response
from testing.sqs import Queue
from tests.testing.functions.recording import RECORDED, Correspondence
from tests.testing.functions.region import Code, Event, Region

DESTINATION = "https://sqs.us-east-1.amazonaws.com/000000000000/destination"


class Told(Code):
    """A function that remembers what it would have told of each invocation."""

    def __init__(self, handler: Any) -> None:
        super().__init__(handler)
        self.told: list[Event] = []
        self.times: list[float] = []

    def answer(self, event: Event, context: Any) -> Any:
        self.times.append(context.now())
        try:
            result = super().answer(event, context)
        except ValueError as error:
            self.told.append({"error": str(error), "event": event})
            raise
        self.told.append({"event": event, "result": result})
        return result


def fails(record: Event) -> bool:
    """Whether it is to fail once more: its body says how often."""
    attempts: int = json.loads(record["body"])["fail_attempts"]
    return attempts >= int(record["attributes"]["ApproximateReceiveCount"])


def reporting(event: Event, _: Any) -> Event:
    """Hands back what fails, in the answer that our consumers give."""
    batch = deliveries(event)
    return response(batch, [each for each, record in zip(batch, event["Records"], strict=True) if fails(record)])


def raising(event: Event, _: Any) -> None:
    """Takes one record, and raises where that fails."""
    if len(event["Records"]) != 1:
        raise ValueError("the payload must consist of exactly one record")
    if fails(event["Records"][0]):
        raise ValueError("failed attempt")


def queues(region: Region, *, visibility_seconds: int, receives: int, fifo: bool = False) -> tuple[Queue, Queue]:
    """One, and its dead-letter queue."""
    end = ".fifo" if fifo else ""
    dead = region.sqs.create_queue(f"dead{end}")
    policy = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": receives})
    attributes = {"VisibilityTimeout": str(visibility_seconds), "RedrivePolicy": policy}
    return region.sqs.create_queue(f"source{end}", attributes), dead


def body(**fields: Any) -> str:
    return json.dumps(fields)


def shown(recorded: Event) -> Any:
    """What a function told, as it was received from its destination queue."""
    (message,) = recorded["Messages"]
    return message["Body"]


def dead_letters(region: Region, dead: Queue) -> list[Event]:
    """As the API shows them."""
    reply = region.backend("sqs").receive_message(QueueUrl=dead.url, MaxNumberOfMessages=10)
    letters: list[Event] = reply.get("Messages", [])
    return letters


@pytest.mark.fault(13, 14)
def test_what_is_handed_back_comes_again_until_it_is_a_dead_letter(region: Region) -> None:
    """test_report_batch_item_failures: of one group of a FIFO queue, with two receives at most."""
    recorded, same = RECORDED["test_report_batch_item_failures"], Correspondence()
    queue, dead = queues(region, visibility_seconds=8, receives=2, fifo=True)
    for number, attempts in ((1, 0), (2, 1), (3, 1), (4, 2)):
        message = body(message=number, fail_attempts=attempts)
        queue.send(message, group="1", deduplication_id=f"dedup-{number}")
    code = Told(reporting)
    region.mapping(queue, code)
    region.scheduler.run()
    first, second = code.told
    same.check(shown(recorded["first_invocation"]), first)
    same.check(shown(recorded["second_invocation"]), second)
    same.check(recorded["dlq_response"]["Messages"], dead_letters(region, dead))
    assert queue.messages() == []


def test_an_error_hands_back_all_of_the_batch(region: Region) -> None:
    """test_report_batch_item_failures_on_lambda_error: also the message that was sound."""
    recorded, same = RECORDED["test_report_batch_item_failures_on_lambda_error"], Correspondence()
    queue, dead = queues(region, visibility_seconds=2, receives=2)
    for message in ("{not a json body", body(message=2, fail_attempts=0)):
        queue.send(message)
    code = Told(raising)
    region.mapping(queue, code)
    region.scheduler.run()
    assert [len(batch) for batch in code.batches] == [2, 2]
    letters = sorted(dead_letters(region, dead), key=lambda letter: str(letter["Body"]), reverse=True)
    same.check(recorded["dlq_messages"], letters)


def test_a_bad_key_hands_back_all_of_the_batch(region: Region) -> None:
    """test_report_batch_item_failures_invalid_result_json_batch_fails."""
    recorded = RECORDED["test_report_batch_item_failures_invalid_result_json_batch_fails"]
    same = Correspondence()
    queue, dead = queues(region, visibility_seconds=4, receives=2)
    code = Told(lambda *_: {"batchItemFailures": [{"foo": "notvalid"}]})
    region.mapping(queue, code)
    queue.send(body(message=1, fail_attempts=0))
    region.scheduler.run()
    first, second = code.told
    same.check(shown(recorded["first_invocation"]), first)
    same.check(shown(recorded["second_invocation"]), second)
    same.check(recorded["dlq_response"]["Messages"], dead_letters(region, dead))


def test_an_empty_answer_is_success(region: Region) -> None:
    """test_report_batch_item_failures_empty_json_batch_succeeds."""
    recorded = RECORDED["test_report_batch_item_failures_empty_json_batch_succeeds"]
    queue, dead = queues(region, visibility_seconds=4, receives=1)
    code = Told(lambda *_: {})
    region.mapping(queue, code)
    queue.send(body(message=1, fail_attempts=0))
    region.scheduler.run()
    (told,) = code.told
    Correspondence().check(shown(recorded["first_invocation"]), told)
    assert (dead_letters(region, dead), queue.messages()) == ([], [])


def test_an_error_is_tried_again_after_the_visibility_timeout(region: Region) -> None:
    """test_failing_lambda_retries_after_visibility_timeout: then all is well, and nothing comes any more."""
    recorded, same = RECORDED["test_failing_lambda_retries_after_visibility_timeout"], Correspondence()
    queue = region.sqs.create_queue("source", {"VisibilityTimeout": "5"})
    code = Told(raising)
    region.mapping(queue, code, batch_size=1, reports_failures=False)
    queue.send(body(destination=DESTINATION, fail_attempts=1))
    region.scheduler.run()
    first, second = code.told
    assert code.times[1] - code.times[0] == pytest.approx(5.0, abs=0.5)
    same.check(shown(recorded["first_attempt"]), first)
    same.check(shown(recorded["second_attempt"])["event"], second["event"])
    assert shown(recorded["second_attempt"])["error"] is None
    assert queue.messages() == []


def test_an_error_is_tried_as_often_as_the_redrive_policy_says(region: Region) -> None:
    """test_redrive_policy_with_failing_lambda."""
    recorded, same = RECORDED["test_redrive_policy_with_failing_lambda"], Correspondence()
    queue, dead = queues(region, visibility_seconds=5, receives=2)
    code = Told(raising)
    region.mapping(queue, code, batch_size=1, reports_failures=False)
    queue.send(body(destination=DESTINATION, fail_attempts=2))
    region.scheduler.run()
    first, second = code.told
    same.check(shown(recorded["first_attempt"]), first)
    same.check(shown(recorded["second_attempt"]), second)
    same.check(recorded["dlq_response"]["Messages"], dead_letters(region, dead))


def test_attributes_are_passed_with_their_digest(region: Region) -> None:
    """test_message_body_and_attributes_passed_correctly: the digest is AWS's own."""
    recorded = RECORDED["test_message_body_and_attributes_passed_correctly"]
    queue, _ = queues(region, visibility_seconds=5, receives=2)
    code = Told(raising)
    region.mapping(queue, code, batch_size=1, reports_failures=False)
    attributes = {
        "Title": {"DataType": "String", "StringValue": "The Whistler"},
        "Author": {"DataType": "String", "StringValue": "John Grisham"},
        "WeeksOn": {"DataType": "Number", "StringValue": "6"},
    }
    queue.send(body(destination=DESTINATION, fail_attempts=0), attributes=attributes)
    region.scheduler.run()
    (told,) = code.told
    Correspondence().check(shown(recorded["first_attempt"])["event"], told["event"])


@pytest.mark.parametrize(
    "test", ["test_sqs_event_source_mapping", "test_sqs_event_source_mapping_batching_reserved_concurrency"]
)
def test_batches_after_a_window(region: Region, test: str) -> None:
    """Their records say that there is no digest of attributes, where others say nothing of it."""
    recorded = RECORDED[test]
    mapping = recorded.get("create-event-source-mapping-response") or recorded["create_event_source_mapping_response"]
    records = recorded["Records"] if "Records" in recorded else recorded["events"][0]["Records"]
    queue, code = region.sqs.create_queue("source"), Code()
    for record in records:
        queue.send(record["body"] if isinstance(record["body"], str) else json.dumps(record["body"]))
    region.mapping(
        queue,
        code,
        batch_size=mapping["BatchSize"],
        window_seconds=mapping["MaximumBatchingWindowInSeconds"],
        maximum_concurrency=mapping.get("ScalingConfig", {}).get("MaximumConcurrency", 5),
    )
    region.scheduler.run()
    assert len(code.batches) == recorded.get("batch_info", {}).get("total_batches_received", 1)
    ours = sorted((each for event in code.events for each in event["Records"]), key=lambda each: str(each["body"]))
    Correspondence().check(sorted(records, key=lambda each: str(each["body"])), ours)


@pytest.mark.parametrize("fifo", [False, True])
def test_types_of_a_records_system_attributes(region: Region, fifo: bool) -> None:
    """All are texts, times in milliseconds: the recordings hide their values."""
    queue, _ = queues(region, visibility_seconds=5, receives=2, fifo=fifo)
    code = Code()
    region.mapping(queue, code)
    sent_at = region.scheduler.now
    queue.send("a", group="g" if fifo else None, deduplication_id="1" if fifo else None)
    region.scheduler.run()
    attributes = code.events[0]["Records"][0]["attributes"]
    assert attributes["SentTimestamp"] == str(round(sent_at * 1_000))
    assert 0 <= int(attributes["ApproximateFirstReceiveTimestamp"]) - int(attributes["SentTimestamp"]) < 1_000
    assert all(isinstance(value, str) for value in attributes.values())
    assert len(attributes.get("SequenceNumber", "")) == (20 if fifo else 0)
