"""What a dead letter says of itself."""

from __future__ import annotations

import pytest

from tests.cli.letters.making import letter


def test_a_letter_that_its_consumer_has_signed_says_why() -> None:
    """Reason, error and time are the consumer's; the event is the body's."""
    described = letter().described()
    assert (described["reason"], described["error"], described["detail"]) == ("poison", "Poison", "says the test")
    assert (described["event_id"], described["type"], described["group"]) == (
        "OrderPlaced-1001",
        "OrderPlaced",
        "ALFKI",
    )
    assert described["dead_since"] == "2026-11-20T10:00:00+00:00"
    assert described["data"]["order_id"] == "1001"


def test_a_letter_that_sqs_has_moved_has_the_reason_of_its_queue() -> None:
    """Nobody has signed it; when it was sent is all that is known of when."""
    unsigned = letter(attributes={}, unsigned="undelivered")
    assert (unsigned.reason, unsigned.redrives, unsigned.replaces) == ("undelivered", 0, None)
    assert unsigned.dead_since.timestamp() == unsigned.sent_at


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", '"text"', "17", '{"id": 17, "sequence": true}', "[" * 100_000])
def test_any_body_is_a_letter(text: str) -> None:
    """One that tells of no event goes by its own id."""
    odd = letter(text)
    assert (odd.event_id, odd.sequence, odd.message, odd.name) == (None, None, None, "letter-1")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"reason": 7, "redrives": "x", "last_attempt_at": "then"}'])
def test_any_attribute_of_that_name_is_borne(text: str) -> None:
    """Anybody may send to a queue."""
    odd = letter(attributes={"waybill": {"DataType": "String", "StringValue": text}})
    assert (odd.reason, odd.redrives) == ("receive_count", 0)
    assert odd.dead_since.timestamp() == odd.sent_at
