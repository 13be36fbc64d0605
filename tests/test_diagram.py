"""The README's picture of the topology."""

from __future__ import annotations

from pathlib import Path

import pytest

from messaging.diagram import embed, mermaid
from messaging.topology import ORDERS

README = Path(__file__).parents[1] / "README.md"


def test_the_readme_shows_the_topology_as_it_is() -> None:
    """Stale? Run: .venv/bin/python -m messaging.diagram README.md"""
    text = README.read_text(encoding="utf-8")
    assert embed(text, ORDERS) == text


def test_every_row_is_in_the_picture() -> None:
    """Consumer, queue and what it writes."""
    picture = mermaid(ORDERS)
    for row in ORDERS.subscriptions:
        assert f'{row.consumer}("{row.consumer}")' in picture
        assert all(f"[({table})]" in picture for table in row.writes)


def test_follow_up_events_go_through_the_outbox() -> None:
    """Dotted, from the rows that emit, and from there to the topic by the relay."""
    picture = mermaid(ORDERS)
    assert 'table_outbox[(outbox)] -.-> relay("relay") -.-> topic' in picture
    emitting = [line.split()[0] for line in picture.splitlines() if line.endswith(".-> table_outbox")]
    assert emitting == [row.consumer for row in ORDERS.subscriptions if row.emits]
    assert '  inventory -. "StockReserved + StockRefused" .-> table_outbox' in picture


def test_a_document_without_the_marker_lines_is_refused() -> None:
    """Nothing is overwritten by guess."""
    with pytest.raises(ValueError, match="lacks the lines"):
        embed("# Waybill", ORDERS)
