"""The demo's smaller parts: what is published and when, what poison is, what dead letters tell, how amounts look."""

from __future__ import annotations

import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from local.demo.accounting import Ledger
from local.demo.poison import send_poison
from local.demo.progress import Lines, open_progress
from local.demo.publishing import Publishing, cancellations
from local.demo.queues import ParkedMessage, peek
from local.demo.summary import money
from messaging.errors import Poison
from messaging.events import Event
from messaging.message import decode
from messaging.outgoing import Draft
from messaging.publish_report import FailedEntry, PublishReport
from messaging.samples.orders import generate_orders
from messaging.samples.poison import KINDS
from messaging.topology import ORDERS
from tests.local.demo.fake_engine import FakeEngine, serving

PLACED = list(generate_orders(30, 1))


class Publisher:
    """Accepts all but the refused, and remembers each call."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.calls: list[tuple[str | None, list[str]]] = []
        self.sequences: dict[str, int | None] = {}

    def publish(self, events: Sequence[Event | Draft], *, resend: str | None = None) -> PublishReport:
        drafts = [event if isinstance(event, Draft) else Draft(event=event) for event in events]
        event_ids = [draft.event.event_id for draft in drafts]
        self.sequences.update({draft.event.event_id: draft.sequence for draft in drafts})
        self.calls.append((resend, event_ids))
        return PublishReport(
            published=tuple(event_id for event_id in event_ids if event_id not in self.refused),
            failed=tuple(FailedEntry(event_id, "no", "why") for event_id in event_ids if event_id in self.refused),
            unrouted=(),
        )


def publishing(publisher: Publisher, *, cancel: int = 0, duplicates: int = 0) -> Publishing:
    return Publishing(
        publisher,
        orders=PLACED,
        cancelled=cancellations(PLACED, cancel, 1),
        duplicates=duplicates,
        seed=1,
        run="0123456789ab",
    )


def test_a_few_events_go_out_first_and_all_in_file_order() -> None:
    """The first order is on its way before the rest is encoded."""
    publisher = Publisher()
    publishing(publisher).run()

    assert [len(event_ids) for _, event_ids in publisher.calls] == [10, 20]
    assert [event_id for _, event_ids in publisher.calls for event_id in event_ids] == [
        order.event_id for order in PLACED
    ]


def test_placements_are_numbered_by_customer_and_repeats_keep_their_number() -> None:
    """A subscription with `monotonic` ordering holds them against its cursor."""
    publisher = Publisher()
    publishing(publisher, cancel=3, duplicates=40).run()
    for customer_id in {order.customer_id for order in PLACED}:
        placed = [publisher.sequences[order.event_id] for order in PLACED if order.customer_id == customer_id]
        assert placed == list(range(1, len(placed) + 1))
    assert {publisher.sequences[each.event_id] for each in cancellations(PLACED, 3, 1)} == {None}


def test_repeats_come_last_under_deduplication_ids_of_their_own() -> None:
    """More repeats than events go round again; within one round no event comes twice."""
    publisher = Publisher()
    publishing(publisher, cancel=5, duplicates=40).run()
    *_, cancelled, first_round, second_round = publisher.calls

    assert all(event_id.startswith("OrderCancelled-") for event_id in cancelled[1])
    assert (len(first_round[1]), len(second_round[1])) == (35, 5)
    assert len(set(first_round[1])) == 35
    suffixes = [suffix for suffix, _ in (cancelled, first_round, second_round)]
    assert len(set(suffixes)) == 3
    assert all(suffix is not None and len(suffix) <= 27 for suffix in suffixes)


def test_an_order_that_was_not_placed_is_not_cancelled_and_not_repeated() -> None:
    """What the topic refused did not happen."""
    refused = PLACED[3]
    publisher = Publisher(refused.event_id)
    work = publishing(publisher, cancel=30, duplicates=58)
    work.run()

    later = [event_id for suffix, event_ids in publisher.calls[2:] for event_id in event_ids]
    assert not [event_id for event_id in later if event_id.endswith(refused.order_id)]
    assert (len(work.accepted), len(work.failed), work.handed_over) == (29 + 29 + 58, 1, 117)


def test_nothing_is_published_after_a_stop() -> None:
    """An interrupted demo ends with the call that is under way."""
    publisher = Publisher()
    work = publishing(publisher, duplicates=5)
    work.stop()
    work.run()

    assert publisher.calls == []


def test_cancellations_are_the_same_for_the_same_seed_and_grow() -> None:
    """Five of them are the first five of ten, and each repeats its order."""
    ten = cancellations(PLACED, 10, 1)

    assert cancellations(PLACED, 5, 1) == ten[:5]
    assert cancellations(PLACED, 10, 2) != ten
    by_id = {order.order_id: order for order in PLACED}
    for each in ten:
        assert msgspec.structs.asdict(each) == msgspec.structs.asdict(by_id[each.order_id])


@pytest.mark.parametrize("body", KINDS)
def test_every_kind_of_poison_is_poison(body: str) -> None:
    """None of them is merely newer than this code, which would keep a run waiting."""
    with pytest.raises(Poison):
        decode(body)


def test_poison_is_sent_in_batches_with_a_group_and_a_deduplication_id_each() -> None:
    """One poison message must not hold another one up, and a second run's must not be dropped."""

    class Sqs:
        def __init__(self) -> None:
            self.batches: list[list[dict[str, Any]]] = []

        def send_message_batch(self, **request: Any) -> dict[str, Any]:
            self.batches.append(request["Entries"])
            sent = [{"Id": each["Id"], "MessageId": each["MessageGroupId"]} for each in request["Entries"][1:]]
            return {"Successful": sent, "Failed": [{"Id": request["Entries"][0]["Id"]}]}

    sqs = Sqs()
    report = send_poison(sqs, "url", count=25, run="r")

    assert [len(batch) for batch in sqs.batches] == [10, 10, 5]
    entries = [entry for batch in sqs.batches for entry in batch]
    assert len({entry["MessageGroupId"] for entry in entries}) == 25
    assert len({entry["MessageDeduplicationId"] for entry in entries}) == 25
    assert (len(report.message_ids), report.refused) == (22, 3)


def test_dead_letters_tell_their_delivery_where_they_can() -> None:
    """Ours carry it as deduplication id on FIFO queues; SQS keeps the id of what it moves itself."""
    ours = {"waybill": {"DataType": "String", "StringValue": '{"reason": "stale"}'}}
    body = '{"id": "OrderPlaced-1"}'
    engine = FakeEngine()
    engine.parked["inventory"] = [
        {"MessageId": "m1", "MessageDeduplicationId": "d1", "MessageAttributes": ours, "Body": body},
        {"MessageId": "m2", "MessageDeduplicationId": None, "MessageAttributes": ours, "Body": "nonsense"},
        {"MessageId": "m3", "MessageDeduplicationId": "x", "MessageAttributes": {}, "Body": body},
    ]
    with serving(engine):
        parked = peek(engine.endpoint, engine.outputs["InventoryDeadLetterQueueUrl"])

    assert parked == [
        ParkedMessage(message_id="m1", delivery_id="d1", event_id="OrderPlaced-1", reason="stale"),
        ParkedMessage(message_id="m2", delivery_id=None, event_id=None, reason="stale"),
        ParkedMessage(message_id="m3", delivery_id="m3", event_id="OrderPlaced-1", reason=None),
    ]


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1265793.0395", "1265793.0395"),
        ("1265793.03950000", "1265793.0395"),
        ("0", "0.0000"),
        ("1E+3", "1000.0000"),
        ("0.00001", "0.00001"),
        ("-2.5", "-2.5000"),
    ],
)
def test_amounts_have_four_places_and_are_never_rounded(amount: str, text: str) -> None:
    """A fifth place would be shown, for it would be wrong to hide it."""
    assert money(Decimal(amount)) == text


def test_progress_outside_of_a_terminal_is_a_line_now_and_then() -> None:
    """A log file is not filled with bars."""
    now = [0.0]
    stream = io.StringIO()
    lines = Lines(stream, clock=lambda: now[0])
    ledger = Ledger(ORDERS)
    ledger.expect(PLACED[0])
    for second in range(12):
        now[0] = float(second)
        lines.update(ledger)

    assert stream.getvalue().count("inventory 0/1") == 2


def test_progress_on_a_terminal_is_one_bar_a_subscription(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bars appear with the first look and leave the terminal in order; NO_COLOR is heeded."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    progress = open_progress(terminal)
    progress.note("Engine started")
    assert terminal.getvalue() == "Engine started\n"
    ledger = Ledger(ORDERS)
    ledger.expect(PLACED[0])
    progress.update(ledger)
    progress.note("Something else")
    progress.close()

    shown = terminal.getvalue()
    for consumer in ledger.consumers:
        assert consumer in shown
    assert "0/1" in shown
    assert "Something else" in shown
    assert "\x1b[3" not in shown
    assert shown.rstrip("\n").rfind("\x1b[?25h") > shown.rfind("\x1b[?25l")
