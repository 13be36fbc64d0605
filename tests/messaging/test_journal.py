"""The log lines of a batch, however large it is, and of what the relay sends."""

from __future__ import annotations

import pytest

from messaging.batch import Ledger, Verdict, Work
from messaging.journal import MAX_EVENTS_A_LINE, tell_records, tell_sent
from messaging.message import decode
from messaging.outgoing import Outgoing
from testing.telemetry import Telemetry
from tests.factories import delivery, order


def batch(records: int) -> Ledger:
    """All applied but for the last one, which nobody can read."""
    each = [delivery(order(str(n)), f"m{n}", fifo=False) for n in range(records)]
    unread = delivery("}{", "unread", fifo=False)
    ledger = Ledger([*each, unread])
    for one in each:
        ledger.remember(Work(one, decode(one.body)))
        ledger.settle(one, Verdict("applied", "reserved"))
    ledger.settle(unread, Verdict("dead_lettered", "poison", "not JSON"))
    return ledger


def test_what_went_well_is_told_at_debug_and_what_did_not_as_a_warning() -> None:
    """A line for each record, then one for the batch."""
    log = Telemetry()
    tell_records(batch(1), log, consumer="inventory")
    assert [(line.level, line.message) for line in log.lines] == [
        ("DEBUG", "record"),
        ("WARNING", "record"),
        ("INFO", "batch"),
    ]
    fine, unread, whole = (line.extra for line in log.lines)
    assert (fine["event_id"], fine["outcome"], fine["reason"]) == ("OrderPlaced-0", "applied", "reserved")
    assert (unread["event_id"], unread["delivery_id"], unread["detail"]) == (None, "unread", "not JSON")
    published = decode(delivery(order("0"), "m0", fifo=False).body).time.isoformat(timespec="milliseconds")
    assert [each["published_at"] for each in (fine, unread, *whole["events"])] == [published, None, published]
    assert (whole["records"], whole["outcomes"]) == (2, {"applied": 1, "dead_lettered": 1})


@pytest.mark.parametrize(("records", "further"), [(0, 0), (99, 0), (100, 0), (101, 1), (250, 2)])
def test_a_large_batch_takes_further_lines(records: int, further: int) -> None:
    """Each event is in one of them, and none is longer than CloudWatch takes."""
    log = Telemetry()
    tell_records(batch(records), log, consumer="analytics")
    told = [line.extra["events"] for line in log.lines if line.message in ("batch", "events")]
    assert len(told) == 1 + further
    assert [event["event_id"] for events in told for event in events] == [f"OrderPlaced-{n}" for n in range(records)]
    assert max(map(len, told)) <= MAX_EVENTS_A_LINE


@pytest.mark.parametrize(
    "body", ["", "}{", "[]", '{"correlationid": 5}', '{"correlationid": "a b", "causationid": {}}']
)
def test_what_is_no_message_of_ours_is_told_without_its_ids(body: str) -> None:
    """Somebody else's item in the outbox fails no run, and none of its text is in the log."""
    log = Telemetry()
    tell_sent(Outgoing(event_id="x", event_type="X", group="g", body=body, attributes={}), log)
    (line,) = log.lines
    assert (line.level, line.message) == ("DEBUG", "sent")
    assert line.extra == {
        "event_id": "x",
        "event_type": "X",
        "correlation_id": None,
        "causation_id": None,
        "trace_id": None,
    }
