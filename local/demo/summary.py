"""The outcome of a demo as one JSON document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from local.demo.accounting import Account
from local.demo.alarms import RedAlarm
from local.demo.audit import Finding
from local.demo.stock import StockLevels

_MONEY = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """How long things took. `first_order` counts from the start of dev.py to the first outcome; None without one."""

    environment: float
    deploy: float
    first_order: float | None
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What one run did, and what does not add up."""

    orders: int
    published: int
    rejected: int
    unrouted: int
    subscriptions: Mapping[str, Account]
    dead_letter_reasons: Mapping[str, Counter[str]]
    revenue: Decimal
    stock: StockLevels
    emails: int
    seconds: Seconds
    findings: tuple[Finding, ...]
    red_alarms: tuple[RedAlarm, ...] = ()

    @property
    def unaccounted(self) -> int:
        """How much does not add up: 0 when every message is accounted for."""
        return sum(finding.count for finding in self.findings)

    def document(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "orders": self.orders,
            "published": self.published,
            "rejected": self.rejected,
            "unrouted": self.unrouted,
            "subscriptions": {consumer: asdict(account) for consumer, account in self.subscriptions.items()},
            "revenue": money(self.revenue),
            "stock": {
                "initial": self.stock.initial,
                "reserved": self.stock.reserved,
                "remaining": self.stock.remaining,
                "refused_orders": self.stock.refused_orders,
            },
            "emails": self.emails,
            "seconds": {
                name: None if seconds is None else round(seconds, 3) for name, seconds in asdict(self.seconds).items()
            },
            "red_alarms": [asdict(alarm) for alarm in self.red_alarms],
            "unaccounted": self.unaccounted,
        }


def money(amount: Decimal) -> str:
    """An exact amount with at least four places; never rounded."""
    exponent = amount.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -4:
        return str(amount.quantize(_MONEY))
    return format(amount.normalize(), "f")
