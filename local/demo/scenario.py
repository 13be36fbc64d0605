"""A scenario: the orders and the initial stock of a demo, and which scenario the engine's data belong to."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from local.demo.orders import OrderFile, read_orders
from local.demo.stock import initial_units, read_stock
from messaging.events import OrderPlaced
from messaging.samples.orders import generate_orders, generate_stock

_SIBLING_STOCK = "stock.ndjson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Orders, and initial units by SKU. What is cancelled, repeated or poisoned may differ from run to run."""

    source: OrderFile
    stock: Mapping[str, int]

    @property
    def orders(self) -> tuple[OrderPlaced, ...]:
        """The distinct valid orders."""
        return self.source.orders

    @property
    def fingerprint(self) -> str:
        """The same for two runs exactly when their effects may share one set of tables."""
        digest = hashlib.sha256(json.dumps(self.stock, sort_keys=True).encode())
        for order in self.orders:
            digest.update(msgspec.json.encode(order) + b"\n")
        return digest.hexdigest()


def load_scenario(*, orders: Path | None, stock: Path | None, count: int, seed: int, scarce: bool) -> Scenario:
    """The scenario that the options describe. Raises InputError for files that can't be used.

    Without an order file the orders are generated. Without a stock file, a `stock.ndjson` beside the order file is
    taken; without that the stock is generated.
    """
    source = read_orders(orders) if orders is not None else OrderFile(orders=tuple(generate_orders(count, seed)))
    if stock is None and orders is not None and (sibling := orders.parent / _SIBLING_STOCK).is_file():
        stock = sibling
    if stock is not None:
        in_stock = read_stock(stock)
    else:
        in_stock = generate_stock((line.sku for order in source.orders for line in order.lines), seed)
    return Scenario(source=source, stock=initial_units(in_stock, source.orders, scarce=scarce))


class ScenarioNote:
    """The fingerprint of the scenario whose data the engine holds, kept beside the engine's state."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "demo-scenario.json"

    def read(self) -> str | None:
        """The fingerprint, or None where nobody noted one."""
        try:
            fingerprint = json.loads(self._path.read_bytes())["fingerprint"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return str(fingerprint)

    def write(self, fingerprint: str) -> None:
        """Note a scenario; a reader sees the old note or the new one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps({"fingerprint": fingerprint}) + "\n", encoding="utf-8")
        draft.replace(self._path)
