"""Letters as messages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.letters.sending import sender, stamped
from tests.cli.letters.making import letter

FIFO, STANDARD = "https://queue.fifo", "https://queue"


class FakeSqs:
    def __init__(self, failing: str = "") -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self._failing = failing

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's names
        self.batches.append(Entries)
        failed = [{"Id": each["Id"], "Code": "No"} for each in Entries if each["MessageBody"] == self._failing]
        return {
            "Successful": [
                {"Id": each["Id"], "MessageId": f"sent {each['MessageBody'][:3]}"}
                for each in Entries
                if each["MessageBody"] != self._failing
            ],
            "Failed": failed,
        }


def entry(url: str, **changes: Any) -> dict[str, Any]:
    """What is sent of one letter."""
    sqs = FakeSqs()
    sender(sqs, url)([letter(**changes)])
    return sqs.batches[0][0]


def test_a_redrive_is_counted_in_our_attribute() -> None:
    """Which then holds nothing of the last failure; the others are as they were."""
    sent = entry(FIFO, facts={"redrives": 1})["MessageAttributes"]
    assert json.loads(sent["waybill"]["StringValue"]) == {"redrives": 2, "replaces": "letter-1"}
    assert sent["type"] == {"DataType": "String", "StringValue": "OrderPlaced"}


def test_a_letter_put_elsewhere_keeps_its_reason_and_its_count() -> None:
    """It is no redrive."""
    noted = json.loads(stamped(letter(facts={"redrives": 1}), redrives=False)["waybill"]["StringValue"])
    assert (noted["reason"], noted["redrives"], noted["replaces"]) == ("poison", 1, "letter-1")


def test_a_message_full_of_attributes_is_not_counted() -> None:
    """SQS takes ten, and an eleventh would have the letter refused for ever."""
    full = {str(n): {"DataType": "String", "StringValue": "x"} for n in range(10)}
    assert stamped(letter(attributes=full)) == full


@pytest.mark.fault(6)
def test_the_deduplication_id_is_that_of_letter_wording_and_redrive() -> None:
    """The same for the same, and another for each of what may differ."""
    ids = [
        entry(FIFO, **changes)["MessageDeduplicationId"]
        for changes in ({}, {}, {"id": "b"}, {"text": "x"}, {"facts": {"redrives": 1}})
    ]
    assert ids[0] == ids[1]
    assert len({*ids}) == 4
    assert len(ids[0]) <= 128


def test_a_standard_queue_gets_neither_group_nor_deduplication_id() -> None:
    """It would refuse the one and make something else of the other."""
    assert entry(STANDARD).keys() == {"Id", "MessageBody", "MessageAttributes"}


def test_what_sqs_refuses_is_told_by_letter() -> None:
    """The others are sent."""
    outcomes = sender(FakeSqs(failing="bad"), STANDARD)([letter("good", id="a"), letter("bad", id="b")])
    assert (outcomes["a"].message_id, outcomes["b"].refusal) == ("sent goo", "No")


def test_large_letters_go_in_calls_of_their_own() -> None:
    """A batch has at most ten, and a megabyte in all."""
    sqs = FakeSqs()
    sizes = [*[300_000] * 5, *[10] * 12]
    sender(sqs, STANDARD)([letter("x" * size, id=str(n)) for n, size in enumerate(sizes)])
    assert [len(batch) for batch in sqs.batches] == [3, 10, 4]
