"""An order's journey, put together from what each place knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from cli.journey import gather, steps, untouched
from cli.logs import Line
from cli.markers import Known
from messaging.effects import Key
from messaging.outgoing import Draft, Outgoing, prepare
from messaging.tables import INBOX
from messaging.topology import ORDERS
from testing import order_placed, stock_reserved

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ROWS = {row.consumer: row for row in ORDERS.subscriptions}
PLACED, REFUSED = "OrderPlaced-10248", "StockRefused-10248"


def line(event_id: str, consumer: str = "inventory", seconds: int = 0, **members: Any) -> Line:
    given = {"outcome": "applied", "correlation_id": event_id, **members}
    return Line(
        at=NOW + timedelta(seconds=seconds), consumer=consumer, text=f"{event_id} {given}", event_id=event_id, **given
    )


def known(event_id: str, consumer: str, **members: Any) -> Known:
    key = Key(INBOX.name, event_id) if "marker" in members else None
    return Known(event_id=event_id, consumer=consumer, key=key, **members)


class Log:
    """Lines that contain a text; which texts were looked for is in `asked`."""

    def __init__(self, *lines: Line) -> None:
        self.lines, self.asked = lines, list[str]()

    def __call__(self, text: str) -> Iterable[Line]:
        self.asked.append(text)
        return [each for each in self.lines if text in each.text]


def test_an_order_has_all_of_its_events_and_nobody_elses() -> None:
    """Not those of an order whose id contains it."""
    log = Log(line(PLACED), line(REFUSED, "notifications", 1, correlation_id=PLACED), line("OrderPlaced-102480"))
    found = gather("10248", log, [])
    assert [each.event_id for each in found.lines] == [PLACED, REFUSED]
    assert "OrderCancelled-10248" in found.event_ids  # a marker may be there longer than a log


def test_a_follow_up_leads_to_its_cause() -> None:
    """By their correlation."""
    log = Log(line(PLACED), line(REFUSED, "notifications", 1, correlation_id=PLACED))
    assert [each.event_id for each in gather(REFUSED, log, []).lines] == [PLACED, REFUSED]
    assert log.asked == [REFUSED, PLACED]


def test_a_correlation_leads_to_its_events() -> None:
    """Whatever they are called."""
    log = Log(line(PLACED, correlation_id="checkout-77"), line("OrderPlaced-2", correlation_id="other"))
    assert [each.event_id for each in gather("checkout-77", log, []).lines] == [PLACED]


def outgoing(draft: Draft) -> Outgoing:
    return prepare(draft, source="urn:waybill:test", time=NOW)


def test_what_waits_in_the_outbox_is_of_the_journey() -> None:
    """By its correlation or its cause; others' is not."""
    ours = outgoing(Draft(event=stock_reserved("7"), correlation_id=PLACED, causation_id=PLACED))
    waiting = [("2026-11-23T12:00:00.000+00:00", ours), ("2026", outgoing(Draft(event=order_placed("9"))))]
    found = gather(PLACED, Log(line(PLACED)), waiting)
    (written,) = [step for step in steps(found, [], ROWS) if step.where == "outbox"]
    assert (written.event_id, written.what) == ("StockReserved-7", "written")


def test_markers_and_failures_tell_what_no_log_tells() -> None:
    """Which may be gone, or not say it; what it says is not said twice. E-mails are told by their markers."""
    found = gather(PLACED, Log(line(PLACED, reason="reserved")), [])
    failure = {
        "outcome": "dead_lettered",
        "reason": "poison",
        "detail": "no",
        "failed_at": "2026-11-23T13:00:00.000+00:00",
    }
    told = steps(
        found,
        [
            known(PLACED, "inventory", marker={"status": "COMPLETED", "applied_at": "2026-11-23T12:00:00.000+00:00"}),
            known(PLACED, "analytics", failure=failure),
            known(PLACED, "notifications", marker={"status": "COMPLETED"}),
            known("StockRefused-10248", "notifications", marker={"status": "INPROGRESS"}),
            known(PLACED, "priority_orders"),
        ],
        ROWS,
    )
    assert [(step.where, step.event_id, step.what, step.detail) for step in told] == [
        ("inventory", PLACED, "applied", "reserved"),
        ("analytics", PLACED, "dead_lettered", "poison: no"),
        ("notifications", PLACED, "applied", "says its marker"),
        ("notifications", PLACED, "e-mail sent", ""),
        ("notifications", REFUSED, "claimed", "its call is under way, or nobody knows how it ended"),
    ]
    assert [*untouched([PLACED], [known(PLACED, "priority_orders"), known(PLACED, "inventory")], told)] == [
        (PLACED, "priority_orders")
    ]


def test_the_publication_is_told_once_and_how_long_each_outcome_took_from_there() -> None:
    """As the message says; what is no time is left out."""
    at = "2026-11-23T13:59:58.500+02:00"
    log = Log(line(PLACED, published_at=at), line(PLACED, "analytics", 1, published_at=at))
    told = steps(gather(PLACED, log, []), [], ROWS)
    assert [(step.at, step.where, step.what, step.detail) for step in told] == [
        ("2026-11-23T11:59:58.500+00:00", "topic", "published", ""),
        ("2026-11-23T12:00:00.000+00:00", "inventory", "applied", "1.5 s after its publication"),
        ("2026-11-23T12:00:01.000+00:00", "analytics", "applied", "2.5 s after its publication"),
    ]
    (step,) = steps(gather(PLACED, Log(line(PLACED, published_at="yesterday")), []), [], ROWS)
    assert step.what == "applied"


def test_a_later_attempt_and_a_cause_are_said() -> None:
    """First attempts go without saying."""
    log = Log(line(PLACED, outcome="retry", detail="throttled", attempt=2, causation_id="c-1"))
    (step,) = steps(gather(PLACED, log, []), [], ROWS)
    assert step.detail == "throttled: attempt 2: caused by c-1"
