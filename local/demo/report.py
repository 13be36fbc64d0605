"""The outcome of a demo for people: a table of subscriptions, what the effects add up to, and what to do next."""

from __future__ import annotations

from collections import Counter
from typing import TextIO

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from local.demo.summary import Summary, money

_WIDTH_WITHOUT_TERMINAL = 100


def print_report(summary: Summary, stream: TextIO) -> None:
    """Print the report; colours only where the stream is a terminal and NO_COLOR is not set."""
    console = Console(file=stream, width=None if stream.isatty() else _WIDTH_WITHOUT_TERMINAL, highlight=False)
    console.print()
    for part in (_subscriptions(summary), _effects(summary), *_verdict(summary)):
        console.print(part)
    console.print()


def _subscriptions(summary: Summary) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Subscription")
    for heading in ("Delivered", "Processed", "Duplicates", "Dead letters"):
        table.add_column(heading, justify="right")
    table.add_column("Why dead")
    for consumer, account in summary.subscriptions.items():
        table.add_row(
            consumer,
            f"{account.delivered:,}",
            f"{account.processed:,}",
            _quiet_zero(account.duplicates),
            _quiet_zero(account.dead_letters),
            _reasons(summary.dead_letter_reasons.get(consumer, Counter())),
        )
    return table


def _effects(summary: Summary) -> Table:
    stock, seconds = summary.stock, summary.seconds
    refused = f", {stock.refused_orders:,} orders refused" if stock.refused_orders else ""
    first = "none" if seconds.first_order is None else f"{seconds.first_order:.1f} s"
    rows: list[tuple[str, str | Text]] = [
        ("Orders", _orders(summary)),
        ("Revenue", f"{_grouped(money(summary.revenue))} USD"),
        ("Stock", f"{stock.initial:,} initial - {stock.reserved:,} reserved = {stock.remaining:,} remaining{refused}"),
        ("E-mails", f"{summary.emails:,}"),
        ("Alarms", _alarms(summary)),
        (
            "Time",
            f"environment {seconds.environment:.1f} s, deploy {seconds.deploy:.1f} s, first order after {first}, "
            f"total {seconds.total:.1f} s",
        ),
    ]
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column()
    for name, value in rows:
        table.add_row(name, value if isinstance(value, Text) else Text(value))
    return table


def _verdict(summary: Summary) -> list[RenderableType]:
    if summary.unaccounted:
        findings = [Text(f"  {finding.text}", style="red") for finding in summary.findings]
        return [Text(f"\nUnaccounted for: {summary.unaccounted:,}", style="bold red"), *findings]
    rejected = f"; {summary.rejected:,} lines were rejected" if summary.rejected else ""
    return [
        Text(f"\nEvery message is accounted for{rejected}.", style="bold green"),
        Text(
            "What next: run the same demo again, and every event is suppressed as a duplicate. "
            "`python3 dev.py waybill doctor` says what is wrong now, and how to mend it (docs/operating.md), "
            "`python3 dev.py alarms` shows every alarm, `python3 dev.py status` the engine, "
            "`python3 dev.py down` stops it.",
            style="dim",
        ),
    ]


def _orders(summary: Summary) -> str:
    parts = [f"{summary.orders:,} orders, {summary.published:,} messages published"]
    if summary.rejected:
        parts.append(f"{summary.rejected:,} lines rejected")
    if summary.unrouted:
        parts.append(f"{summary.unrouted:,} messages that nobody subscribes to")
    return ", ".join(parts)


def _alarms(summary: Summary) -> Text:
    if not summary.red_alarms:
        return Text("none is red")
    return Text(f"red: {', '.join(alarm.name for alarm in summary.red_alarms)}", style="red")


def _reasons(reasons: Counter[str]) -> Text:
    return Text(", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common()))


def _quiet_zero(count: int) -> Text:
    return Text(f"{count:,}", style="" if count else "dim")


def _grouped(amount: str) -> str:
    whole, _, places = amount.partition(".")
    return f"{int(whole):,}.{places}"
