"""Stock: files, the units at the start, seeding, and what the tables say afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.demo.ndjson import InputError
from local.demo.stock import SeedError, initial_units, read_levels, read_stock, seed_stock
from messaging.events import Address, Line, OrderPlaced
from messaging.samples.orders import generate_orders


def order(order_id: str, **units: int) -> OrderPlaced:
    lines = tuple(Line(sku, quantity, "1.00", "0.00") for sku, quantity in units.items())
    return OrderPlaced(order_id, "C", "2024-01-01T00:00:00Z", "USD", "high", lines, Address("n", "c", None, None, "x"))


class Dynamodb:
    """Tables as lists of items, one item a page; PartiQL inserts refuse items that exist."""

    def __init__(self, **tables: list[dict[str, Any]]) -> None:
        self.tables = tables
        self.refusal: str | None = None
        self.sizes: list[int] = []

    def scan(self, **request: Any) -> dict[str, Any]:
        assert request["ConsistentRead"]
        items, start = self.tables[request["TableName"]], request.get("ExclusiveStartKey", 0)
        page: dict[str, Any] = {"Items": items[start : start + 1]}
        if start + 1 < len(items):
            page["LastEvaluatedKey"] = start + 1
        return page

    def batch_execute_statement(self, **request: Any) -> dict[str, Any]:
        statements = request["Statements"]
        self.sizes.append(len(statements))
        return {"Responses": [self._insert(*statement["Parameters"]) for statement in statements]}

    def _insert(self, sku: Any, units: Any, initial: Any) -> dict[str, Any]:
        if self.refusal:
            return {"Error": {"Code": self.refusal}}
        if any(item["sku"] == sku for item in self.tables["stock"]):
            return {"Error": {"Code": "DuplicateItem"}}
        self.tables["stock"].append({"sku": sku, "units": units, "initial": initial})
        return {}


def stocked(sku: str, *, initial: int, units: int) -> dict[str, Any]:
    return {"sku": {"S": sku}, "initial": {"N": str(initial)}, "units": {"N": str(units)}}


def reservation(status: str, **units: int) -> dict[str, Any]:
    held = {sku: {"N": str(number)} for sku, number in units.items()}
    return {"order_id": {"S": "1"}, "status": {"S": status}, **({"lines": {"M": held}} if held else {})}


def write(folder: Path, text: str) -> Path:
    path = folder / "stock.ndjson"
    path.write_text(text)
    return path


def test_a_stock_file_gives_units_by_sku(tmp_path: Path) -> None:
    """Names may be there or not."""
    path = write(tmp_path, '{"sku": "A", "name": "Chai", "units_in_stock": 39}\n{"sku": "B", "units_in_stock": 0}\n')

    assert read_stock(path) == {"A": 39, "B": 0}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ('{"sku": "A", "units_in_stock": 1}\nnonsense', "line 2: not JSON"),
        ('{"sku": "A", "units_in_stock": -1}', "line 1: units_in_stock: Expected `int` >= 0"),
        ('{"sku": "A", "units_in_stock": 1}\n{"sku": "A", "units_in_stock": 1}', "line 2: sku: an earlier line"),
    ],
)
def test_a_wrong_stock_file_is_an_error_that_names_the_line(tmp_path: Path, text: str, reason: str) -> None:
    """Half a stock file would be a wrong start, so nothing of it is used."""
    with pytest.raises(InputError, match=reason):
        read_stock(write(tmp_path, text))


def test_stock_starts_with_what_is_in_stock_and_all_that_is_ordered() -> None:
    """Ordered units are added over all lines; SKUs that only an order names are there too."""
    units = initial_units({"A": 5, "Z": 1}, [order("1", A=2, B=3), order("2", A=4)], scarce=False)

    assert units == {"A": 11, "B": 3, "Z": 1}


def test_scarce_stock_starts_with_the_units_in_stock_alone() -> None:
    """A SKU that nobody stocks has none."""
    assert initial_units({"A": 5}, [order("1", A=2, B=3)], scarce=True) == {"A": 5, "B": 0}


def test_seeding_puts_each_sku_once_and_never_resets_one() -> None:
    """A second run over the same tables finds the stock as the first one left it."""
    dynamodb = Dynamodb(stock=[stocked("SKU-0", initial=7, units=2)])
    initial = {f"SKU-{number}": 7 for number in range(60)}

    assert seed_stock(dynamodb, "stock", initial) == 59
    assert seed_stock(dynamodb, "stock", initial) == 0
    assert dynamodb.tables["stock"][0] == stocked("SKU-0", initial=7, units=2)
    assert max(dynamodb.sizes) == 25


def test_a_refused_seed_is_an_error() -> None:
    """Publishing against half a stock would refuse orders for no reason."""
    dynamodb = Dynamodb(stock=[])
    dynamodb.refusal = "ThrottlingError"

    with pytest.raises(SeedError, match="refused 1 items \\(ThrottlingError\\)"):
        seed_stock(dynamodb, "stock", {"A": 1})


def test_levels_add_up_over_pages_and_statuses() -> None:
    """Reserved counts what reservations hold; refused and cancelled orders hold nothing."""
    dynamodb = Dynamodb(
        stock=[stocked("A", initial=10, units=4), stocked("B", initial=3, units=3)],
        reservations=[
            reservation("reserved", A=2),
            reservation("refused"),
            reservation("cancelled"),
            reservation("reserved", A=4),
        ],
    )

    levels = read_levels(dynamodb, "stock", "reservations")

    assert (levels.initial, levels.reserved, levels.remaining, levels.refused_orders) == (13, 6, 7, 1)
    assert levels.violations == ()


@pytest.mark.parametrize(
    ("items", "reserved", "violations"),
    [
        ([stocked("A", initial=5, units=4)], {"A": 2}, ("A",)),
        ([stocked("A", initial=1, units=-1)], {"A": 2}, ("A",)),
        ([stocked("A", initial=5, units=5)], {"B": 1}, ("B",)),
        # totals over all SKUs would hide it
        ([stocked("A", initial=5, units=4), stocked("B", initial=5, units=6)], {}, ("A", "B")),
    ],
    ids=["lost units", "below zero", "reserved but never stocked", "errors that cancel out"],
)
def test_every_sku_must_add_up_for_itself(
    items: list[dict[str, Any]], reserved: dict[str, int], violations: tuple[str, ...]
) -> None:
    """Initial - reserved = remaining >= 0 is judged SKU by SKU."""
    dynamodb = Dynamodb(stock=items, reservations=[reservation("reserved", **reserved)] if reserved else [])

    assert read_levels(dynamodb, "stock", "reservations").violations == violations


def test_enough_stock_for_generated_orders() -> None:
    """Without --scarce no order of the demo has to be refused."""
    orders = list(generate_orders(100, 1))
    units = initial_units({}, orders, scarce=False)

    for each in orders:
        for line in each.lines:
            units[line.sku] -= line.quantity
    assert set(units.values()) == {0}
