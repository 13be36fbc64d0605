"""Goals, gates and growth of what benchmarks give, and how they are written down."""

from __future__ import annotations

import itertools
import operator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import record, registry, table
from benchmarks.growth import exponent, growth
from benchmarks.quantities import Quantity, absolute, count, ratio

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("quantity", "missed", "failed"),
    [
        (count("calls", "calls", [1, 1, 1], at_most=1), False, False),
        (count("calls", "calls", [1, 1, 2], at_most=1), True, True),
        (count("calls", "calls", [1], at_most=0, gate=0), True, True),
        (count("events", "", [10, 10, 9], at_least=10), True, True),
        (ratio("wall", [9.1], [1.0], at_least=9.0), False, False),
        (ratio("wall", [8.9], [1.0], at_least=9.0), True, False),
        (ratio("wall", [4.4], [1.0], at_least=9.0), True, True),
        (ratio("wall", [4.4], [1.0], at_least=9.0, gate=4.0), True, False),
        (ratio("wall", [3.1], [1.0], at_most=1.5), True, True),
        (ratio("wall", [2.9], [1.0], at_most=1.5), True, False),
        (absolute("wall", "s", [99.0], at_most=1.0), True, False),
        (absolute("wall", "s", [99.0]), False, False),
        (growth("messages", {1: [1.0], 10: [18.0], 100: [324.0]}), True, False),
        (growth("messages", {1: [1.0], 10: [30.0], 100: [900.0]}), True, True),
    ],
)
def test_counts_are_gates_ratios_with_a_margin_and_times_never(quantity: Quantity, missed: bool, failed: bool) -> None:
    """The median is held against the goal; only what a machine can't excuse fails the command."""
    assert (quantity.missed, quantity.failed) == (missed, failed)


def test_a_ratio_compares_each_run_with_its_neighbour() -> None:
    """A machine that was busy for a while was so for both."""
    assert ratio("wall", [10.0, 100.0], [1.0, 10.0]).values == [10.0, 10.0]
    with pytest.raises(ValueError, match="shorter"):
        ratio("wall", [10.0, 100.0], [1.0])


def test_growth_is_the_exponent_of_its_power_law() -> None:
    """Twice as much costs twice as much, or four times; two sizes show nothing."""
    assert exponent({10: 1.0, 20: 2.0, 40: 4.0}) == pytest.approx(1)
    assert exponent({10: 1.0, 20: 4.0, 40: 16.0}) == pytest.approx(2)
    with pytest.raises(ValueError, match="2 sizes"):
        exponent({10: 1.0, 20: 2.0})


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (1, "count", "1"),
        (0.27345, "", "0.273"),
        (11.26, "ratio", "11.3"),
        (1234.5, "", "1,234"),
        (0.000012, "", "0.000"),
    ],
)
def test_numbers_show_three_digits_that_count(value: float, kind: str, shown: str) -> None:
    """As people read them; counts stay whole."""
    assert table.number(value, kind) == shown


def test_every_benchmark_has_a_family_with_a_title() -> None:
    """Or its plot would have none, and the pages would leave its numbers out. A family's stand together."""
    assert [family for family, _ in itertools.groupby(each.family for each in registry.BENCHMARKS)] == [
        *registry.FAMILIES
    ]


def test_the_short_form_leaves_out_what_takes_long() -> None:
    """Unless it is asked for by its own name."""
    assert "first_order" not in [each.name for each in registry.chosen(None, short=True)]
    assert [each.name for each in registry.chosen("simulation", short=True)] == ["simulation"]
    assert [each.name for each in registry.chosen("first_order", short=True)] == ["first_order"]
    assert registry.chosen(None, short=False) == registry.BENCHMARKS


def test_what_is_kept_is_what_the_pages_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quantity goes into the numbers and onto the page of all; headlines onto the other; a missed one in bold."""
    monkeypatch.setattr(record, "PAGES", {"README.md": ("wall time",), "all.md": None})
    for page in record.PAGES:
        (tmp_path / page).write_text(f"before\n{record.BEGIN}\nstale\n{record.END}\nafter\n", encoding="utf-8")
    told = ratio("wall time", [3.0], [2.0], at_least=2.5, limit="botocore's import", tried="less")
    less = count("calls", "calls", [2], at_most=3)

    record.keep(tmp_path, "cold_start", [told, less, absolute("memory", "MB", [30.0])], [])

    (stored,) = record.kept(tmp_path)
    assert [each["what"] for each in stored["quantities"]] == ["wall time", "calls", "memory"]
    pages = [(tmp_path / page).read_text(encoding="utf-8") for page in record.PAGES]
    for page in pages:
        assert "| wall time | ≥ 2.5x | **1.50x** (limited by botocore's import; tried: less) |  |" in page
        assert "stale" not in page
        assert page.startswith("before\n")
        assert page.endswith("after\n")
    assert "| calls | ≤ 3 calls | 2 calls |  | 3 | 1 |" in pages[1]
    assert ["calls" in page for page in pages] == ["memory" in page for page in pages] == [False, True]


@pytest.mark.parametrize("page", record.PAGES)
def test_pages_show_the_numbers_that_were_kept(page: str) -> None:
    """Nobody edits them by hand: `python3 dev.py bench --plots` wrote both."""
    text = (ROOT / page).read_text(encoding="utf-8")
    families = record.kept(ROOT)
    assert families
    assert record.with_numbers(text, families, record.PAGES[page]) == text


@pytest.mark.parametrize("family", record.kept(ROOT), ids=operator.itemgetter("family"))
def test_a_missed_goal_says_why(family: dict[str, Any]) -> None:
    """What limits it, and what was tried."""
    for each in family["quantities"]:
        assert not each["missed"] or (each["limit"] and each["tried"]), each["what"]


@pytest.mark.parametrize("family", record.kept(ROOT), ids=operator.itemgetter("family"))
def test_headlines_are_what_was_measured(family: dict[str, Any]) -> None:
    """A headline that nothing measures any more would leave the README in silence."""
    measured = [each["what"] for each in family["quantities"]]
    assert {*registry.HEADLINES.get(family["family"], ())} <= {*measured}
