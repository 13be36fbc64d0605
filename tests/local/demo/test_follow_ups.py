"""Which follow-up events a run must see delivered."""

from __future__ import annotations

from local.demo.follow_ups import FollowUps
from local.demo.journal import Record
from tests.factories import order


def record(**changes: str) -> Record:
    fields = {"consumer": "inventory", "outcome": "applied", "event_id": "OrderPlaced-1", "reason": "refused"}
    return Record(delivery_id="m1", at=1.0, **{**fields, **changes})


def due(*records: Record) -> list[str]:
    follow_ups = FollowUps([order("1"), order("2")])
    return [event.event_id for each in records for event in follow_ups.due([each])]


def test_a_refused_order_is_told_of_once() -> None:
    """However often its line is read, and whoever else logs it."""
    other = record(event_id="OrderPlaced-2")
    assert due(record(), record(), other) == ["StockRefused-1", "StockRefused-2"]


def test_a_kill_between_commit_and_log_line_hides_no_refusal() -> None:
    """The redelivery finds its own reservation."""
    assert due(record(reason="already_refused")) == ["StockRefused-1"]


def test_nothing_else_is_a_refusal() -> None:
    """Reserved orders, duplicates, cancellations, other consumers, orders of somebody else."""
    assert not due(
        record(reason="reserved"),
        record(outcome="duplicate"),
        record(event_id="OrderCancelled-1", reason="already_refused"),
        record(consumer="analytics"),
        record(event_id="OrderPlaced-3"),
    )
