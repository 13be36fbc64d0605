"""Orders made from a seed."""

from __future__ import annotations

import msgspec

from messaging.events import OrderPlaced
from messaging.samples.orders import generate_orders, generate_stock

ORDERS = list(generate_orders(200, seed=1))


def test_the_same_seed_gives_the_same_orders_and_a_larger_count_only_adds() -> None:
    """A demo can be repeated, and grown."""
    assert list(generate_orders(50, seed=1)) == ORDERS[:50]


def test_another_seed_gives_other_orders() -> None:
    """Two seeds share no order id."""
    assert not {order.order_id for order in generate_orders(200, seed=2)} & {order.order_id for order in ORDERS}


def test_every_order_is_valid_by_the_catalogue() -> None:
    """What is made can be published."""
    for order in ORDERS:
        assert msgspec.json.decode(msgspec.json.encode(order), type=OrderPlaced) == order


def test_the_orders_exercise_what_the_consumers_must_handle() -> None:
    """They have several customers, both priorities, non-ASCII names, missing regions, and discounts of two decimals."""
    lines = [line for order in ORDERS for line in order.lines]

    assert len({order.customer_id for order in ORDERS}) > 10
    assert {order.priority for order in ORDERS} == {"high", "standard"}
    assert any(not order.ship_to.name.isascii() for order in ORDERS)
    assert any(order.ship_to.region is None for order in ORDERS)
    assert any(order.ship_to.postal_code is None for order in ORDERS)
    assert any(line.discount not in ("0.00",) for line in lines)
    assert all(len(text.partition(".")[2]) == 2 for line in lines for text in (line.discount, line.unit_price))
    assert [order.placed_at for order in ORDERS] == sorted(order.placed_at for order in ORDERS)


def test_generated_stock_depends_on_the_seed_and_not_on_the_order_of_skus() -> None:
    """Every SKU named has units, the same for the same seed."""
    skus = [f"SKU-{number}" for number in range(50)]

    assert generate_stock(skus, 1) == generate_stock(reversed(skus), 1)
    assert generate_stock(skus, 1) != generate_stock(skus, 2)
    assert generate_stock([*skus, *skus], 1).keys() == set(skus)
    assert min(generate_stock(skus, 1).values()) >= 0
