"""The bill of a design, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from cli.costs.effects import DESIGNS, Design
from cli.costs.formula import PRICES, Operations, Price, usage
from cli.costs.traffic import Traffic
from messaging.topic import Topic


@dataclass(frozen=True, slots=True)
class Line:
    """What one price comes to in a month, in US dollars."""

    price: Price
    quantity: float
    usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A month of one design."""

    topic: Topic
    traffic: Traffic
    design: Design = "waybill"
    operations: Operations = field(default_factory=Operations)
    free_tier: bool = False

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is used of each price, in the list's order."""
        used: Mapping[Price, float] = usage(self.topic, self.traffic, self.design, self.operations)
        return tuple(
            Line(price, used[price], price.of(used[price], free_tier=self.free_tier))
            for price in PRICES
            if used.get(price, 0) > 0
        )

    @property
    def usd(self) -> float:
        """All of it."""
        return sum(line.usd for line in self.lines)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that could be otherwise, and by how many US dollars a month the bill would differ."""

    what: str
    usd: float


# What a design does when a function dies between two of its calls: a bill alone would not tell.
MEANS: Mapping[Design, str] = {
    "waybill": "an order is applied once and whole",
    "powertools": "after a crash an order may be applied in part, or twice",
    "naive": "after a crash or beside a repeat an order may be applied in part, or twice",
}


def changes(bill: Bill) -> list[Change]:
    """What would change a bill, the largest difference first."""
    now = bill.usd
    found = [Change(what, other.usd - now) for what, other in _others(bill)]
    return sorted(found, key=lambda change: -abs(change.usd))


def _others(bill: Bill) -> Iterator[tuple[str, Bill]]:
    operations, traffic = bill.operations, bill.traffic
    yield "twice the orders", replace(bill, traffic=replace(traffic, orders_per_day=2 * traffic.orders_per_day))
    yield "full batches (10 records)", replace(bill, traffic=replace(traffic, batch_fill=10))
    yield "batches of one record", replace(bill, traffic=replace(traffic, batch_fill=1))
    if traffic.publish_fill < 10:
        yield "publishing ten events a request", replace(bill, traffic=replace(traffic, publish_fill=10))
    if bill.design == "waybill":
        level = "INFO" if operations.debug else "DEBUG"
        yield f"log level {level}", replace(bill, operations=replace(operations, debug=not operations.debug))
    tracing = "without tracing" if operations.tracing else "with tracing"
    yield tracing, replace(bill, operations=replace(operations, tracing=not operations.tracing))
    for design in DESIGNS:
        if design != bill.design:
            yield f"the design {design}: {MEANS[design]}", replace(bill, design=design)
