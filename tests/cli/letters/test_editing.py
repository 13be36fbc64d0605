"""A letter mended by hand."""

from __future__ import annotations

import json

import pytest

from cli.errors import Cancelled, CliError
from cli.letters.editing import difference, edit
from cli.letters.letter import Letter
from messaging.topology import ORDERS
from testing import order_placed
from testing.events import body
from tests.cli.letters.making import letter

ROW = ORDERS.subscription("standard_orders")
POISON = letter(body(order_placed("1001")).replace('"USD"', '"EUR"'))


def mend(text: str) -> str:
    """What a person does in the editor."""
    assert '  "currency": "EUR"' in text.replace("    ", "  ")  # it is laid out for reading
    return text.replace('"EUR"', '"USD"')


def test_what_was_saved_is_sent_as_a_publisher_writes_it() -> None:
    """The event keeps its id and its group."""
    mended = edit(POISON, ROW, mend)
    assert mended.body == body(order_placed("1001"))
    assert (mended.id, mended.group) == (POISON.id, "ALFKI")


@pytest.mark.parametrize("saved", [None, POISON.body])
def test_nothing_is_sent_where_nothing_was_changed(saved: str | None) -> None:
    """The editor was left without saving, or with the text as it was."""
    shown: list[str] = []

    def editor(text: str) -> str | None:
        shown.append(text)
        return saved and text

    with pytest.raises(Cancelled):
        edit(POISON, ROW, editor)
    assert json.loads(shown[0])["data"]["currency"] == "EUR"


def test_what_would_be_dead_again_is_refused() -> None:
    """Unless it is meant."""

    def worsen(text: str) -> str:
        return text.replace('"EUR"', '"GBP"')

    with pytest.raises(CliError, match="currency"):
        edit(POISON, ROW, worsen)
    assert "GBP" in edit(POISON, ROW, worsen, validate=False).body


def test_another_event_id_is_refused() -> None:
    """By mistake it would be applied twice."""
    with pytest.raises(CliError, match="--new-id"):
        edit(POISON, ROW, lambda text: mend(text).replace("OrderPlaced-1001", "OrderPlaced-1002"))


def test_a_new_id_makes_it_another_event() -> None:
    """Which tells of which it was."""
    mended = edit(POISON, ROW, mend, new_event_id=True)
    assert mended.event_id is not None
    assert mended.event_id.startswith("OrderPlaced-1001.")
    assert mended.message is not None


def test_an_event_that_moves_to_another_customer_moves_to_its_group() -> None:
    """Or it would overtake that customer's other events."""
    moved = edit(POISON, ROW, lambda text: mend(text).replace("ALFKI", "VINET"))
    assert moved.group == "VINET"


def test_the_difference_shows_what_was_changed_and_what_is_around_it() -> None:
    """As a patch."""
    lines = difference(POISON, edit(POISON, ROW, mend), ("ship_to",)).splitlines()
    changed = [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert [line.replace(" ", "") for line in changed] == ['-"currency":"EUR",', '+"currency":"USD",']


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (POISON, letter(POISON.body.replace("Århus", "Aarhus")), "What has changed is not shown"),
        (letter("Århus"), letter("Aarhus, DK"), "+10 bytes that are no JSON object"),
    ],
    ids=["an address", "no JSON"],
)
def test_the_difference_shows_no_personal_data(before: Letter, after: Letter, told: str) -> None:
    """Unless it is asked for."""
    said = difference(before, after, ("ship_to",))
    assert told in said
    assert "rhus" not in said
    assert "Aarhus" in difference(before, after, ())
