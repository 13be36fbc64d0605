"""Shops of many subscribers, made of the rows of the shipped one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from messaging.subscription import CONSUMERS_STACK, Subscription
from messaging.topic import Topic
from messaging.topology import ORDERS

ROWS_OF_A_STACK = 19


def shop(subscribers: int, *, rows_of_a_stack: int = ROWS_OF_A_STACK) -> Topic:
    """The shipped topology with rows like its own after it: so many in all, so many in a stack."""
    return replace(ORDERS, subscriptions=tuple(_rows(subscribers, rows_of_a_stack)))


def _rows(subscribers: int, rows_of_a_stack: int) -> Iterator[Subscription]:
    shipped = ORDERS.subscriptions
    for number in range(subscribers):
        stack = CONSUMERS_STACK if number < rows_of_a_stack else f"{CONSUMERS_STACK}-{number // rows_of_a_stack + 1}"
        row = shipped[number % len(shipped)]
        yield replace(row, consumer=row.consumer if number < len(shipped) else f"copy_{number}", stack=stack)
