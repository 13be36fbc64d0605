"""Order files: every line is a valid order, a repeat of one, or rejected by number and reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from local.demo.ndjson import InputError, read_lines
from messaging.events import OrderPlaced
from messaging.ndjson import LineError, decode


@dataclass(frozen=True, slots=True)
class Rejection:
    """A line that is not published, and why. `reason` holds no text of the line."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFile:
    """What a file holds: its distinct orders in file order, and what became of the other lines."""

    orders: tuple[OrderPlaced, ...]
    rejected: tuple[Rejection, ...] = ()
    repeats: tuple[int, ...] = ()  # line numbers that say again, word for word, what an earlier line says


def read_orders(path: Path) -> OrderFile:
    """Read an order file. Raises InputError when it can't be read or holds no valid order."""
    first: dict[str, tuple[int, OrderPlaced]] = {}
    rejected: list[Rejection] = []
    repeats: list[int] = []
    for number, line in read_lines(path):
        try:
            order = decode(line, OrderPlaced)
        except LineError as error:
            rejected.append(Rejection(number, str(error)))
            continue
        earlier_number, earlier = first.setdefault(order.order_id, (number, order))
        if earlier_number == number:
            continue
        if earlier == order:
            repeats.append(number)
        else:
            rejected.append(Rejection(number, f"order_id: line {earlier_number} has it already, with other contents"))
    if not first:
        raise InputError(_no_order(path, rejected))
    return OrderFile(
        orders=tuple(order for _, order in first.values()), rejected=tuple(rejected), repeats=tuple(repeats)
    )


def _no_order(path: Path, rejected: list[Rejection]) -> str:
    if not rejected:
        return f"{path} is empty: give a file with one order a line"
    reasons = "".join(f"\n  line {rejection.line}: {rejection.reason}" for rejection in rejected)
    return f"{path} holds no valid order:{reasons}"
