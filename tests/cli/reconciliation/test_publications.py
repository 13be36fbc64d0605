"""What is known to have been published, and for whom each event is."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from cli.errors import UsageError
from cli.reconciliation.publications import Publication, in_file, seen_by, together
from messaging.topology import ORDERS
from tests.cli.replaying.replays import old
from tests.factories import order

AT = datetime(2026, 1, 1, tzinfo=UTC)
MESSAGE = old(order("1001", priority="high"), AT)
HIGH, STANDARD, INVENTORY = (ORDERS.subscription(name) for name in ("priority_orders", "standard_orders", "inventory"))


def test_of_a_message_it_is_known_for_whom_it_is() -> None:
    """Its filters' attributes are in it."""
    whole = Publication.of_message(MESSAGE)
    assert [whole.is_for(row) for row in (HIGH, STANDARD, INVENTORY)] == [True, False, True]


def test_of_an_id_only_its_type_is_known() -> None:
    """Whoever asks for more than the type is unknown; an id of another kind tells nothing at all."""
    assert [Publication.of_id("OrderPlaced-1").is_for(row) for row in (HIGH, STANDARD, INVENTORY)] == [None, None, True]
    assert Publication.of_id("StockReserved-1").is_for(INVENTORY) is False
    assert Publication.of_id("4711").is_for(INVENTORY) is None


def test_who_has_seen_an_event_tells_what_its_filter_let_through() -> None:
    """So it is also known who should not have it."""
    seen = seen_by(HIGH, "OrderPlaced-1", AT)
    assert [seen.is_for(row) for row in (HIGH, STANDARD, INVENTORY)] == [True, False, True]


def test_sources_know_more_together() -> None:
    """An event is there once, as old as its oldest trace."""
    seen = seen_by(INVENTORY, MESSAGE.id, AT + timedelta(seconds=9))
    (both,) = together([seen, Publication.of_message(MESSAGE, in_outbox=True), seen])
    assert (both.complete, both.at, both.in_outbox, both.is_for(STANDARD)) == (True, AT, True, False)
    (ids,) = together([seen_by(INVENTORY, "OrderPlaced-1", AT), seen_by(HIGH, "OrderPlaced-1", None)])
    assert (ids.is_for(STANDARD), ids.at) == (False, AT)


def test_a_file_names_events_in_any_way() -> None:
    """A message, a dead letter, what `publish` said, an id; what a publisher says has failed was not published."""
    lines = [
        MESSAGE.body,
        json.dumps({"letter": "m", "event_id": "x", "body": MESSAGE.body}),
        json.dumps({"event_id": "OrderPlaced-2", "outcome": "published"}),
        json.dumps({"event_id": "OrderPlaced-3", "outcome": "failed"}),
        "OrderPlaced-4",
        '"OrderPlaced-5"',
    ]
    found = in_file(io.BytesIO("\n".join(lines).encode()), "x")
    ids = [each.event_id.removeprefix("OrderPlaced-") for each in found]
    assert ids == ["1001", "1001", "2", "4", "5"]


def test_a_line_that_names_none_is_told() -> None:
    """By its number."""
    with pytest.raises(UsageError, match=r"line 2: neither a message") as caught:
        in_file(io.BytesIO(b"OrderPlaced-1\ntwo words\n{}"), "x")
    assert "line 3: neither a message" in str(caught.value)
