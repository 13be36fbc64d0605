"""Letters to a file and back."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.errors import CliError
from cli.letters import files
from cli.letters.files import Backup, check, export, letters_in, line, mended
from cli.letters.letter import Letter
from messaging.topology import ORDERS
from testing import order_placed, stock_reserved
from testing.events import body
from tests.cli.letters.making import letter

ANALYTICS = ORDERS.subscription("analytics")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
ATTRIBUTES = st.dictionaries(
    TEXTS,
    st.builds(lambda text: {"DataType": "String", "StringValue": text}, TEXTS)
    | st.builds(lambda data: {"DataType": "Binary.png", "BinaryValue": data}, st.binary(max_size=40)),
    max_size=3,
)


@given(
    st.builds(
        Letter,
        id=TEXTS,
        body=TEXTS,
        attributes=ATTRIBUTES,
        group=st.none() | TEXTS,
        deduplication_id=st.none() | TEXTS,
        sent_at=st.floats(0, 2e9),
        receives=st.integers(1, 1000),
    )
)
def test_a_letter_comes_back_as_it_was(original: Letter) -> None:
    """On one line, whatever is in it."""
    text = line(original)
    assert "\n" not in text
    assert letters_in([text], unsigned=original.unsigned) == [original]


def test_a_file_is_written_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    """It holds names and addresses; a second export takes the place of the first."""
    path = tmp_path / "letters.ndjson"
    export(path, [letter(), letter(id="letter-2")])
    export(path, [letter()])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text().splitlines()) == 1
    assert [*tmp_path.iterdir()] == [path]


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """And a backup never takes the place of another one."""
    with pytest.raises(CliError, match="can't write"):
        export(tmp_path / "no" / "such" / "folder", [letter()])
    (tmp_path / "there").touch()
    with pytest.raises(CliError, match="can't write"):
        Backup(tmp_path / "there")


NO_BASE64 = '{"letter": "a", "body": "x", "attributes": {"b": {"DataType": "Binary", "BinaryValue": "?"}}}'


@pytest.mark.parametrize(
    "text",
    [
        *("{", "[]", "{}", '{"letter": 7, "body": "x"}', '{"letter": "a", "body": {}}', '{"letter": "a"}'),
        NO_BASE64,
    ],
)
def test_what_is_no_letter_is_refused_with_its_line(text: str) -> None:
    """Nothing of the file is sent then."""
    with pytest.raises(CliError, match="line 3"):
        letters_in([line(letter()), "\n", text], unsigned="")


def test_a_letter_that_is_there_twice_is_refused() -> None:
    """Which of the two would be meant?"""
    with pytest.raises(CliError, match="twice"):
        letters_in([line(letter()), line(letter())], unsigned="")


def test_bodies_that_would_be_dead_again_are_refused_together() -> None:
    """With the rule and the place, and without a value of the body."""
    wrong = body(order_placed("1001")).replace('"USD"', '"EUR"')
    with pytest.raises(CliError, match=r"2 letters would be dead again") as refused:
        check([letter(), letter(wrong), letter("no JSON", id="b")], ANALYTICS)
    assert "data.currency" in str(refused.value) or "$.currency" in str(refused.value)
    assert "EUR" not in str(refused.value)
    check([letter()], ANALYTICS)


def test_an_event_of_another_consumer_is_refused() -> None:
    """Its consumer would bury it."""
    assert "takes no StockReserved" in files.objection(body(stock_reserved("1001")), ANALYTICS)


def test_what_a_line_says_takes_the_place_of_what_the_letter_said() -> None:
    """But for attributes that only the letter has, and where it is held."""
    there = letter(handle="handle", attributes={"only": {"DataType": "String", "StringValue": "here"}})
    fields = {**json.loads(line(letter("old"))), "body": "new", "group": "other"}
    (edited,) = letters_in([json.dumps(fields)], unsigned="")
    result = mended(there, edited)
    assert (result.body, result.group, result.handle) == ("new", "other", "handle")
    assert result.attributes.keys() == {"only", "type", "waybill"}
