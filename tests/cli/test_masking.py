"""Personal data is not shown."""

from __future__ import annotations

from cli.letters import listing
from cli.masking import MASK, masked, shown_item
from tests.cli.letters.making import letter


def test_what_is_under_a_name_is_hidden_at_any_depth() -> None:
    """Its shape and what is missing can still be seen."""
    shown = masked({"a": [{"ship_to": {"name": "Ås", "region": None, "lines": ["x", 1]}}], "b": "c"}, ("ship_to",))
    assert shown == {"a": [{"ship_to": {"name": MASK, "region": None, "lines": [MASK, MASK]}}], "b": "c"}


def test_a_letter_is_shown_without_names_and_addresses() -> None:
    """For programs and for people; with nothing to hide it is shown whole."""
    document = listing.document(letter(), ("ship_to",))
    assert "Århus" not in f"{document}{listing.text(document)}"
    assert document["body"]["data"]["ship_to"]["region"] is None
    assert "Århus" in listing.text(listing.document(letter(), ()))


def test_a_body_that_is_no_object_is_not_shown_at_all() -> None:
    """Nobody knows what is in it."""
    assert "Søren" not in str(listing.document(letter("Søren Ås"), ("ship_to",)))
    assert listing.document(letter("Søren Ås"), ())["body"] == "Søren Ås"


def test_an_item_is_shown_without_what_is_personal() -> None:
    """Also where Powertools has kept it: what its function returned, as text."""
    item = {"id": "x", "ship_to": {"city": "Århus"}, "data": '{"ship_to": {"city": "Århus"}, "total": 3}'}
    assert shown_item(item, ("ship_to",)) == {
        "id": "x",
        "ship_to": {"city": MASK},
        "data": {"ship_to": {"city": MASK}, "total": 3},
    }
    assert "Århus" not in str(shown_item({"id": "x", "data": '"Århus"'}, ("ship_to",)))
    assert shown_item({"id": "x", "data": '"Århus"'}, ())["data"] == '"Århus"'
    assert shown_item({"id": "x", "amount": 3}, ("ship_to",)) == {"id": "x", "amount": 3}
