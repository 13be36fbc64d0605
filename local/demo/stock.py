"""Stock: what there is at the start, seeded once, and what the tables say of it afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import msgspec

from local.demo.ndjson import InputError, read_lines
from local.demo.tables import scan
from local.errors import LocalError
from messaging.events import Identifier, OrderPlaced, Text
from messaging.ndjson import LineError, decode

# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
_MAX_STATEMENTS = 25


class SeedError(LocalError):
    """The stock table did not take the initial stock."""


class StockLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a stock file."""

    sku: Identifier
    units_in_stock: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
    name: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLevels:
    """Totals over all SKUs. `violations` are the SKUs where initial - reserved is not remaining, or remaining < 0."""

    initial: int
    reserved: int
    remaining: int
    refused_orders: int
    violations: tuple[str, ...]


def read_stock(path: Path) -> dict[str, int]:
    """Units in stock by SKU. Raises InputError that names the line: half a stock file would be a wrong start."""
    stock: dict[str, int] = {}
    for number, line in read_lines(path):
        try:
            product = decode(line, StockLine)
        except LineError as error:
            raise InputError(f"{path}, line {number}: {error}") from error
        if product.sku in stock:
            raise InputError(f"{path}, line {number}: sku: an earlier line has it already")
        stock[product.sku] = product.units_in_stock
    if not stock:
        raise InputError(f"{path} is empty: give a file with one product a line")
    return stock


def initial_units(in_stock: Mapping[str, int], orders: Iterable[OrderPlaced], *, scarce: bool) -> dict[str, int]:
    """Units at the start for every SKU in stock or ordered: enough for all orders, or where scarce what is in stock."""
    ordered: Counter[str] = Counter()
    for order in orders:
        for line in order.lines:
            ordered[line.sku] += line.quantity
    skus = sorted({*in_stock, *ordered})
    return {sku: in_stock.get(sku, 0) + (0 if scarce else ordered[sku]) for sku in skus}


def seed_stock(dynamodb: Any, table: str, initial: Mapping[str, int]) -> int:
    """Put the SKUs that the table lacks; never touches one that it has. Returns how many were put."""
    rows = iter(initial.items())
    put = 0
    while chunk := list(islice(rows, _MAX_STATEMENTS)):
        reply = dynamodb.batch_execute_statement(Statements=[_insert(table, sku, units) for sku, units in chunk])
        codes = [outcome.get("Error", {}).get("Code") for outcome in reply["Responses"]]
        refused = [code for code in codes if code not in (None, "DuplicateItem")]
        if refused:
            raise SeedError(f"the stock table refused {len(refused)} items ({refused[0]}): run the demo again")
        put += codes.count(None)
    return put


def read_levels(dynamodb: Any, stock_table: str, reservations_table: str) -> StockLevels:
    """Stock and reservations as the tables hold them, and whether they agree SKU by SKU."""
    reserved: Counter[str] = Counter()
    refused_orders = 0
    for reservation in scan(dynamodb, reservations_table):
        status = reservation["status"]["S"]
        refused_orders += status == "refused"
        if status == "reserved":
            for sku, units in reservation["lines"]["M"].items():
                reserved[sku] += int(units["N"])
    initial = remaining = 0
    violations = set(reserved)  # until its stock is seen
    for item in scan(dynamodb, stock_table):
        sku, item_initial, item_units = item["sku"]["S"], int(item["initial"]["N"]), int(item["units"]["N"])
        initial += item_initial
        remaining += item_units
        violations.discard(sku)
        if item_initial - reserved[sku] != item_units or item_units < 0:
            violations.add(sku)
    return StockLevels(
        initial=initial,
        reserved=reserved.total(),
        remaining=remaining,
        refused_orders=refused_orders,
        violations=tuple(sorted(violations)),
    )


def _insert(table: str, sku: str, units: int) -> dict[str, Any]:
    # INSERT fails with DuplicateItem where the item exists: the condition that a put would have to state.
    return {
        "Statement": f"INSERT INTO \"{table}\" VALUE {{'sku': ?, 'units': ?, 'initial': ?}}",
        "Parameters": [{"S": sku}, {"N": str(units)}, {"N": str(units)}],
    }
