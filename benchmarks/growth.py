"""How a cost grows with size: the exponent of a power law through the measured points, by least squares.

1 is linear: twice as much costs twice as much. A constant part makes it less, something quadratic makes it go to 2.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.quantities import Quantity

# Linear, as far as a machine with other work can tell; n log n from 1,000 to 50,000 would be 1.15.
LINEAR = 1.1
GATE = 1.3


def exponent(costs: Mapping[float, float]) -> float:
    """Of cost by size. Raises ValueError for fewer than three sizes: a line goes through any two."""
    if len(costs) < 3:
        raise ValueError(f"{len(costs)} sizes show no growth")
    sizes = [math.log(size) for size in costs]
    return statistics.linear_regression(sizes, [math.log(cost) for cost in costs.values()]).slope


def growth(what: str, costs: Mapping[float, Sequence[float]], **goal: Any) -> Quantity:
    """The exponent of each round: its cost at each size. Linear at most, unless `goal` says otherwise."""
    rounds = zip(*costs.values(), strict=True)
    values = [exponent(dict(zip(costs, each, strict=True))) for each in rounds]
    goal = {"at_most": LINEAR, "gate": GATE, **goal}
    return Quantity(what=f"{what}: exponent of its growth", unit="", values=values, kind="ratio", **goal)
