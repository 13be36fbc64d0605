"""Prints quantities for people: goal, median, spread."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.quantities import Quantity

FILE_COLUMNS = 120  # a file or a pipe is no 80 columns wide


def show(families: Mapping[str, Sequence[Quantity]]) -> None:
    """One table, a section for each family."""
    table = Table()
    table.add_column("What", ratio=1)
    for name in ("Goal", "Median", "Spread"):
        table.add_column(name, no_wrap=True)
    table.add_column("Runs", justify="right", no_wrap=True)
    for family, quantities in families.items():
        table.add_row(f"[bold]{family}[/bold]")
        for each in quantities:
            mark = " [red]failed[/red]" if each.failed else " [yellow]missed[/yellow]" if each.missed else ""
            median = f"{number(each.median, each.kind)}{unit(each.unit)}{mark}"
            table.add_row(each.what, goal(each), median, spread(each), str(len(each.values)))
            if each.reason:
                table.add_row(f"[dim]  {each.reason}[/dim]")
        table.add_section()
    console = Console()
    (console if console.is_terminal else Console(width=FILE_COLUMNS)).print(table)


def goal(quantity: Quantity) -> str:
    """Such as `>= 9x`; nothing without one."""
    if quantity.at_least is not None:
        return f">= {quantity.at_least:,.10g}{unit(quantity.unit)}"
    return "" if quantity.at_most is None else f"<= {quantity.at_most:,.10g}{unit(quantity.unit)}"


def spread(quantity: Quantity) -> str:
    """The quartiles, or the extremes of few runs; nothing where all runs are alike."""
    low, high = quantity.quartiles or (min(quantity.values), max(quantity.values))
    return "" if low == high else f"{number(low)} to {number(high)}"


def unit(name: str) -> str:
    """As it follows a number."""
    return name if name == "x" or not name else f" {name}"


def number(value: float, kind: str = "") -> str:
    """Three digits that count; a count as it is."""
    if value == 0 or (kind == "count" and value == int(value)):
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 3)}f}"
