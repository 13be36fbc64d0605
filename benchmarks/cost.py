"""US dollars for a million orders through the whole topology, by design and by how many orders there are a day.

A month's bill (cli/costs/formula.py: quantities, and prices with their date) divided by a
month's orders. Counted: SNS, SQS, Lambda, DynamoDB, logs, metrics, alarms and traces. Not counted: e-mails (100 dollars
a million, whatever sends them), retries, dead letters, what effects keep. Nothing is measured: the same topology and
prices give the same numbers. The others cost less, and apply an order twice or in part (cli/costs/bill.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from benchmarks.quantities import Bars, Lines, Quantity, Result, count, ratio
from cli.costs.bill import Bill
from cli.costs.effects import DESIGNS, Design
from cli.costs.formula import AS_OF, EMAILS, REGION
from cli.costs.traffic import DAYS_A_MONTH, Traffic
from messaging.topology import ORDERS

MILLION = 1_000_000
ORDERS_A_DAY = (1_000, 10_000, 100_000, 1_000_000)
QUOTED = 100_000
MOST = 1.5  # as much as the others: what it costs that nothing is done twice or half
NAMES: dict[Design, str] = {"waybill": "ours", "naive": "check-process-mark", "powertools": "Powertools"}


def measure(_: bool) -> Result:
    """The bills, what they differ by, and where the money goes."""
    return Result([*_quantities()], [_by_rate(), _by_service()])


def _quantities() -> Iterator[Quantity]:
    for orders_a_day in ORDERS_A_DAY:
        usd = {design: round(sum(_services(design, orders_a_day).values()), 2) for design in DESIGNS}
        at = f"a million orders at {orders_a_day:,} a day"
        for design, name in NAMES.items():
            yield count(f"{at}, {name}", "USD", [usd[design]])
        for design, name in NAMES.items():
            if design != "waybill":
                most = {"at_most": MOST, "gate": MOST} if orders_a_day == QUOTED else {}
                yield ratio(f"{at}: ours against {name}", [usd["waybill"]], [usd[design]], **most)


def _services(design: Design, orders_a_day: int) -> dict[str, float]:
    """US dollars for a million orders, by service."""
    bill = Bill(topic=ORDERS, traffic=Traffic(orders_per_day=orders_a_day), design=design)
    usd: dict[str, float] = defaultdict(float)
    for line in bill.lines:
        if line.price is not EMAILS:
            usd[line.price.service] += line.usd / (orders_a_day * DAYS_A_MONTH) * MILLION
    return usd


def _by_rate() -> Lines:
    return Lines(
        title=f"A million orders ({REGION}, prices of {AS_OF})",
        x="orders a day",
        y="USD",
        series={
            name: [(each, sum(_services(design, each).values())) for each in ORDERS_A_DAY]
            for design, name in NAMES.items()
        },
        logarithmic=True,
    )


def _by_service() -> Bars:
    bills = [_services(design, QUOTED) for design in NAMES]
    services = dict.fromkeys(service for bill in bills for service in bill)
    return Bars(
        title=f"A million orders at {QUOTED:,} a day",
        unit="USD",
        groups=[*NAMES.values()],
        series={service: [bill[service] for bill in bills] for service in services},
        stacked=True,
    )
