"""What an operator may publish, and what is said of a line that holds none of it."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from cli.errors import UsageError
from cli.publishing.documents import MAX_TOLD, draft_of, read_drafts
from messaging.message import encode
from messaging.ndjson import LineError
from tests.factories import cancellation, order

ORDER = order("1001")
DATA: dict[str, Any] = msgspec.to_builtins(ORDER)


def line(document: Any) -> bytes:
    return json.dumps(document).encode()


def test_an_order_is_its_placement() -> None:
    """As in docs/examples/orders.ndjson."""
    assert draft_of(line(DATA)).event == ORDER


def test_an_event_has_a_type_and_what_its_envelope_shall_say() -> None:
    """Any type of the catalogue, with the producer's counter and the ids of what caused it."""
    draft = draft_of(line({"type": "OrderCancelled", "data": DATA, "sequence": 7, "correlationid": "c-1"}))
    assert (draft.event, draft.sequence, draft.correlation_id) == (cancellation(ORDER), 7, "c-1")


def test_a_whole_message_keeps_its_event_and_its_sequence() -> None:
    """What another command has exported can be published again."""
    body = encode(ORDER, source="urn:x:y", time=datetime(2026, 1, 1, tzinfo=UTC), sequence=3, causation_id="E-1")
    draft = draft_of(body.encode())
    assert (draft.event, draft.sequence, draft.causation_id) == (ORDER, 3, "E-1")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (b"s3cret", "not JSON"),
        (b"[1]", "Expected `object`"),
        (line(DATA | {"priority": "s3cret"}), "priority: must be one of high, standard"),
        (line(DATA | {"s3cret": 1}), "unknown field"),
        (line({"type": "s3cret", "data": DATA}), "type: must be one of OrderPlaced, OrderCancelled"),
        (line({"type": "OrderPlaced", "data": {}}), "data: Object missing required field"),
        (line({"type": "OrderPlaced", "data": DATA, "s3cret": 1}), "unknown field"),
        (line({"specversion": "1.0", "id": "s3cret"}), "not a CloudEvents envelope of ours"),
        (line(DATA)[:-1] + b', "order_id": "2"}', "same key twice"),
    ],
)
def test_a_wrong_document_is_told_by_its_rule(wrong: bytes, why: str) -> None:
    """And never by its text, which may be somebody's address."""
    with pytest.raises(LineError, match=why) as caught:
        draft_of(wrong)
    assert "s3cret" not in str(caught.value)


def test_a_file_is_read_in_its_order() -> None:
    """Blank lines are passed over."""
    file = io.BytesIO(b"\n".join([line(DATA), b"", line(DATA | {"order_id": "1002"})]))
    assert [draft.event.subject for draft in read_drafts(file, "x")] == ["1001", "1002"]


def test_every_wrong_line_is_named_by_number() -> None:
    """So that one run tells all there is to mend; a file that is no such file at all tells it in a few lines."""
    with pytest.raises(UsageError, match=r"line 1: not JSON\n  line 3: not JSON\nNothing was published"):
        read_drafts(io.BytesIO(b"x\n" + line(DATA) + b"\ny\n"), "x")
    with pytest.raises(UsageError, match=r"line 20: not JSON\n  and 80 more lines") as caught:
        read_drafts(io.BytesIO(b"x\n" * 100), "x")
    assert str(caught.value).count("not JSON") == MAX_TOLD


def test_an_empty_file_is_a_mistake() -> None:
    """Somebody meant another one."""
    with pytest.raises(UsageError, match=r"orders\.ndjson is empty"):
        read_drafts(io.BytesIO(b"\n"), "orders.ndjson")
