"""Orders and stock made from a seed: the same seed gives the same orders, and a larger count only adds to them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from messaging.events import Address, Line, OrderPlaced, Priority

# Any script and every awkward case of an address: no region, no postal code, quotes, right to left.
_CUSTOMERS: tuple[tuple[str, Address], ...] = (
    ("AALTO", Address("Aalto & Tähti Oy", "Jyväskylä", None, "40100", "Finland")),
    ("BJORK", Address("Björk Handelshús", "Reykjavík", None, "101", "Iceland")),
    ("CEDAR", Address("Cedar Row Grocers", "Portland", "OR", "97201", "USA")),
    ("CONCH", Address("Açaí do Conchá", "São Paulo", "SP", "01310-100", "Brazil")),
    ("DUFFY", Address("Duffy's “Corner” Shop", "Dún Laoghaire", "Co. Dublin", "A96", "Ireland")),
    ("ELENI", Address("Ελένη και Υιοί", "Θεσσαλονίκη", None, "546 24", "Greece")),
    ("FRANC", Address("Crèmerie François", "Besançon", None, "25000", "France")),
    ("GROSS", Address("Groß & Söhne", "Köln", None, "50667", "Germany")),
    ("HARAR", Address("ሐረር ቡና", "Harar", None, None, "Ethiopia")),
    ("ISHII", Address("石井商店", "京都市", "京都府", "604-8001", "Japan")),
    ("JABAL", Address("سوق الجبل", "Amman", None, "11181", "Jordan")),
    ("KLARA", Address("Klára Žižková s.r.o.", "Plzeň", None, "301 00", "Czechia")),
    ("LOTUS", Address("莲花茶行", "杭州", "浙江", "310000", "China")),
    ("MUNOZ", Address("Ultramarinos Muñoz", "A Coruña", "Galicia", "15001", "Spain")),
    ("NGUYE", Address("Nguyễn Thực Phẩm", "Đà Nẵng", None, "550000", "Vietnam")),
    ("OSLOF", Address("Øvre Slottsgård", "Tromsø", None, "9008", "Norway")),
)
# SKU and price in cents.
_PRODUCTS: tuple[tuple[str, int], ...] = tuple(
    (f"WB-{number:02d}", 250 + 389 * number % 9_700) for number in range(1, 25)
)
_DISCOUNTS = ("0.00", "0.00", "0.00", "0.05", "0.10", "0.15", "0.20", "0.25")
_FIRST_ORDER = datetime(2024, 1, 2, 8, 0, tzinfo=UTC)
_MAX_UNITS_IN_STOCK = 500


def generate_orders(count: int, seed: int) -> Iterator[OrderPlaced]:
    """`count` orders of several customers and both priorities, in the order in which they were placed."""
    source = random.Random(seed)
    placed_at = _FIRST_ORDER
    for number in range(1, count + 1):
        placed_at += timedelta(seconds=source.randrange(60, 6 * 60 * 60))
        yield _order(source, f"WB-{seed}-{number:06d}", placed_at)


def generate_stock(skus: Iterable[str], seed: int) -> dict[str, int]:
    """Units in stock for each SKU; some have none."""
    source = random.Random(seed)
    return {sku: source.randrange(_MAX_UNITS_IN_STOCK + 1) for sku in sorted(set(skus))}


def _order(source: random.Random, order_id: str, placed_at: datetime) -> OrderPlaced:
    customer_id, ship_to = source.choice(_CUSTOMERS)
    priority: Priority = "high" if source.randrange(3) == 0 else "standard"
    return OrderPlaced(
        order_id=order_id,
        customer_id=customer_id,
        placed_at=placed_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        currency="USD",
        priority=priority,
        lines=tuple(_line(source, product) for product in source.sample(_PRODUCTS, source.randrange(1, 6))),
        ship_to=ship_to,
    )


def _line(source: random.Random, product: tuple[str, int]) -> Line:
    sku, price_cents = product
    return Line(
        sku=sku,
        quantity=source.randrange(1, 41),
        unit_price=f"{price_cents // 100}.{price_cents % 100:02d}",
        discount=source.choice(_DISCOUNTS),
    )
