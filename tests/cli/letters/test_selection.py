"""Which letters are meant."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cli.errors import UsageError
from cli.letters.selection import Selection, matcher
from tests.cli.letters.making import letter


@pytest.mark.parametrize(
    "expression",
    [
        *("Århus", "says the test", "poison"),
        *("reason=poison", "event_id=OrderPlaced-1001", "type=OrderPlaced", "group~^ALF", "letter=letter-1"),
        *("data.ship_to.country=Denmark", "data.ship_to.region=null", "data.lines.sku=NW-2", "data.lines.quantity=3"),
        *("data.lines.unit_price~^5", "error~(?i)POISON"),
    ],
)
def test_an_expression_takes_a_letter(expression: str) -> None:
    """A text in it, one of its fields, or what a path into the data leads to, also through lists."""
    assert matcher(expression)(letter())


@pytest.mark.parametrize(
    "expression",
    [
        *("Aarhus", "reason=poiso", "group~^LFK", "data.ship_to.country=Den", "data.lines.sku=NW-3"),
        *("data.no.such.thing=1", "data.lines=NW-2", "colour=red"),
    ],
)
def test_an_expression_leaves_a_letter(expression: str) -> None:
    """`=` is the whole value; what begins as no field is a text that must be there as it is."""
    assert not matcher(expression)(letter())


def test_a_text_with_an_equals_sign_is_found_as_it_is() -> None:
    """Where nothing of a letter is called so."""
    assert matcher("a=b")(letter("x a=b y"))


def test_what_is_no_regular_expression_is_refused() -> None:
    """Before anything is looked at."""
    with pytest.raises(UsageError, match="no regular expression"):
        matcher("group~(")


def test_all_that_is_given_must_fit() -> None:
    """Ids of events and of letters, the reason, and how long it is dead."""
    later = datetime(2026, 11, 21, tzinfo=UTC)
    assert Selection(ids=("other", "OrderPlaced-1001"), reason="poison", dead_before=later).takes(letter())
    assert Selection(ids=("letter-1",)).takes(letter())
    assert not Selection(ids=("letter-1",), reason="stale").takes(letter())
    assert not Selection(dead_before=datetime(2026, 11, 19, tzinfo=UTC)).takes(letter())


def test_a_letter_is_named_by_its_id_or_its_very_reason() -> None:
    """Then it is wanted whatever speaks against it; all of them together are not."""
    assert Selection(ids=("OrderPlaced-1001",)).names(letter())
    assert Selection(reason="poison").names(letter())
    assert not Selection().names(letter())
    assert not Selection(match="poison").names(letter())
