"""Reading order files: each bad line is named by number and reason, and the rest is kept."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from local.demo.ndjson import InputError
from local.demo.orders import Rejection, read_orders
from local.demo.scenario import load_scenario
from messaging.ndjson import MAX_LINE_BYTES

NORTHWIND = Path(__file__).parents[4] / "shared" / "data" / "northwind"
SECRET = "s3cret-payload"

GOOD: dict[str, Any] = {
    "order_id": "1",
    "customer_id": "VINET",
    "placed_at": "1996-07-04T00:00:00Z",
    "currency": "USD",
    "priority": "standard",
    "lines": [{"sku": "NW-11", "quantity": 12, "unit_price": "14.00", "discount": "0.15"}],
    "ship_to": {"name": "Bäcker", "city": "Münster", "region": None, "postal_code": "44087", "country": "Germany"},
}


def order(**changes: Any) -> bytes:
    return json.dumps(GOOD | changes, ensure_ascii=False).encode()


def line(**changes: Any) -> bytes:
    return order(lines=[GOOD["lines"][0] | changes])


def write(folder: Path, *lines: bytes, end: bytes = b"\n") -> Path:
    path = folder / "orders.ndjson"
    path.write_bytes(b"".join(each + end for each in lines))
    return path


def without(field: str) -> bytes:
    return json.dumps({name: value for name, value in GOOD.items() if name != field}).encode()


BAD_LINES = {
    "text": (b"order: " + SECRET.encode(), "not JSON"),
    "cut short": (order()[:-5], "not JSON"),
    "two documents": (order() + b" " + order(), "not JSON"),
    "not a number": (order().replace(b": 12,", b": NaN,"), "not JSON"),
    "lone surrogate": (order().replace(b"VINET", b"\\ud800"), "not JSON"),
    "a list": (b"[1]", "Expected `object`, got `array`"),
    "deep nesting": (b"[" * 100_000, "Expected `object`, got `array`"),
    "deep nesting in a field": (order().replace(b'"VINET"', b"[" * 100_000), "customer_id: Expected `str`"),
    "not UTF-8": (order().replace("ü".encode(), b"\xfc"), "not UTF-8"),
    "missing field": (without("customer_id"), "Object missing required field `customer_id`"),
    "unknown field": (order(**{SECRET: 1}), "Object contains unknown field"),
    "negative quantity": (line(quantity=-1), "lines[0].quantity: Expected `int` >= 1"),
    "price in words": (line(unit_price=SECRET), "lines[0].unit_price: must be a decimal number in quotes"),
    "price with an exponent": (line(unit_price="1e3"), "lines[0].unit_price: must be a decimal number in quotes"),
    "price as a number": (line(unit_price=14.0), "lines[0].unit_price: Expected `str`, got `float`"),
    "discount over 1": (line(discount="1.5"), "lines[0].discount: must be a decimal number in quotes, from 0 to 1"),
    "unknown currency": (order(currency=SECRET), "currency: must be one of USD"),
    "control character": (order(customer_id=f"{SECRET}\n"), "customer_id: must hold only ASCII letters"),
    "control character in text": (
        order(ship_to=GOOD["ship_to"] | {"name": f"{SECRET}\u0007"}),
        "ship_to.name: must be text without control characters",
    ),
    "no lines": (order(lines=[]), "lines: Expected `array` of length >= 1"),
    "300 KiB of text": (order(customer_id="x" * 300 * 1024), "longer than 256 KiB"),
    "long text": (order(customer_id="x" * 200 * 1024), "customer_id: Expected `str` of length <= 56"),
    "equal keys": (order().replace(b'"currency"', b'"priority":"high","currency"'), "an object has the same key twice"),
    "equal keys inside": (order().replace(b'"sku"', b'"sku": "A", "sku"'), "an object has the same key twice"),
    "mark in the middle": (b"\xef\xbb\xbf" + order(), "not JSON"),
    "local time": (order(placed_at="1996-07-04 00:00"), "placed_at: must be a UTC time"),
}


@pytest.mark.parametrize(("bad", "reason"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_is_rejected_by_number_and_reason_and_its_neighbours_are_kept(
    tmp_path: Path, bad: bytes, reason: str
) -> None:
    """A line that is no valid order is named with its number and the rule that it breaks; the others are read."""
    source = read_orders(write(tmp_path, order(order_id="a"), bad, order(order_id="b")))

    (rejection,) = source.rejected
    assert rejection.line == 2
    assert rejection.reason.startswith(reason)
    assert SECRET not in rejection.reason
    assert [each.order_id for each in source.orders] == ["a", "b"]


def test_the_first_contents_of_an_order_id_stand(tmp_path: Path) -> None:
    """An order id that comes again with other contents is rejected and names the line that has it."""
    source = read_orders(write(tmp_path, order(), order(order_id="2"), order(priority="high")))

    assert source.rejected == (Rejection(3, "order_id: line 1 has it already, with other contents"),)
    assert [each.priority for each in source.orders] == ["standard", "standard"]


def test_an_exact_repeat_is_ignored_and_named(tmp_path: Path) -> None:
    """The same order once more, even spelt with other white space, is neither published nor rejected."""
    spaced = order().replace(b'": ', b'" :  ')
    source = read_orders(write(tmp_path, order(), spaced, order()))

    assert (len(source.orders), source.repeats, source.rejected) == (1, (2, 3), ())


def test_what_editors_write_is_accepted(tmp_path: Path) -> None:
    """A byte order mark at the start, CR LF line ends, blank lines and a last line without an end change nothing."""
    path = tmp_path / "orders.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + order() + b"\r\n\r\n   \r\n" + order(order_id="2"))

    source = read_orders(path)

    assert [each.order_id for each in source.orders] == ["1", "2"]
    assert source.rejected == ()


def test_line_numbers_count_blank_and_overlong_lines(tmp_path: Path) -> None:
    """A line number is what an editor shows, whatever the lines before it hold."""
    source = read_orders(write(tmp_path, order(), b"", b"x" * (3 * MAX_LINE_BYTES), b"nonsense"))

    assert [rejection.line for rejection in source.rejected] == [3, 4]


def test_a_line_of_exactly_the_limit_is_read(tmp_path: Path) -> None:
    """The limit counts a line without its end."""
    padded = order().ljust(MAX_LINE_BYTES)
    source = read_orders(write(tmp_path, padded, order(order_id="2")))

    assert len(source.orders) == 2


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    """A file without any order says what to give instead."""
    with pytest.raises(InputError, match="is empty: give a file with one order a line"):
        read_orders(write(tmp_path, b"", b"  "))


def test_a_file_without_a_valid_order_is_an_error_that_names_every_line(tmp_path: Path) -> None:
    """When nothing can be published the reasons are in the error itself."""
    with pytest.raises(InputError, match=r"no valid order:\n  line 1: not JSON\n  line 2: Object missing"):
        read_orders(write(tmp_path, b"nonsense", b"{}"))


@pytest.mark.parametrize(("name", "reason"), [("missing.ndjson", "No such file"), (".", "Is a directory")])
def test_an_unreadable_file_is_an_error(tmp_path: Path, name: str, reason: str) -> None:
    """A path that can't be read is named with the system's reason."""
    with pytest.raises(InputError, match=reason):
        read_orders(tmp_path / name)


def test_the_northwind_orders_are_all_valid_and_exact() -> None:
    """The 830 real orders of 89 customers come to exactly 1265793.0395, and their stock file is found beside them."""
    if not NORTHWIND.is_dir():
        pytest.skip("the shared folder with the Northwind data is not beside this checkout")
    scenario = load_scenario(orders=NORTHWIND / "orders.ndjson", stock=None, count=1, seed=1, scarce=False)

    assert scenario.source.rejected == ()
    assert len(scenario.orders) == 830
    assert len({each.customer_id for each in scenario.orders}) == 89
    assert sum(each.amount() for each in scenario.orders) == Decimal("1265793.0395")
    assert len(scenario.stock) == 77
