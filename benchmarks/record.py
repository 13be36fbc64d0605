"""Keeps what was measured: docs/plots has a plot and its numbers for each family, two pages a table of those."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from benchmarks import plots, registry, table
from benchmarks.quantities import Panel, Quantity

FOLDER = Path("docs") / "plots"
# What ours is measured against, and with.
PACKAGES = ("boto3", "aiobotocore", "aws-lambda-powertools", "msgspec", "aws-cdk-lib", "ministack")
_HEADER = ("| what | goal | measured | spread |", "|---|---|---|---|")
_HEADER_OF_ALL = ("| what | goal | measured | spread | gate | runs |", "|---|---|---|---|---|--:|")
BEGIN, END = "<!-- measured: written by `python3 dev.py bench --plots` -->", "<!-- end of measured -->"

# Where the numbers are shown, and which of them; None: all of them, a table a family.
PAGES: Mapping[str, Collection[str] | None] = {
    "README.md": [what for those in registry.HEADLINES.values() for what in those],
    "docs/benchmarks.md": None,
}


def document(family: str, quantities: Sequence[Quantity]) -> dict[str, Any]:
    """A family's quantities as JSON, with the machine that they are of."""
    return {
        "family": family,
        "measured_on": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "packages": dict(_versions()),
        "quantities": [each.document() for each in quantities],
    }


def _versions() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):  # the tests do without what only bench installs
            yield name, importlib.metadata.version(name)


def keep(root: Path, family: str, quantities: Sequence[Quantity], panels: Sequence[Panel]) -> None:
    """Write the family's files, and the README anew."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    text = _lines_of_json(document(family, quantities))
    (folder / f"{family}.json").write_text(text, encoding="utf-8")
    if panels:
        plots.draw(registry.FAMILIES[family], panels, folder / f"{family}.svg")
    for page, only in PAGES.items():
        text = (root / page).read_text(encoding="utf-8")
        (root / page).write_text(with_numbers(text, kept(root), only), encoding="utf-8")


def _lines_of_json(document: dict[str, Any]) -> str:
    """A quantity a line, so that a difference can be read."""
    head = json.dumps({name: value for name, value in document.items() if name != "quantities"})
    quantities = ",\n".join(json.dumps(each) for each in document["quantities"])
    return f'{head[:-1]}, "quantities": [\n{quantities}\n]}}\n'


def kept(root: Path) -> list[dict[str, Any]]:
    """What was kept, in the registry's order."""
    files = [root / FOLDER / f"{family}.json" for family in registry.FAMILIES]
    return [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]


def with_numbers(page: str, families: Sequence[Mapping[str, Any]], only: Collection[str] | None) -> str:
    """The page with these numbers between its marks. Raises ValueError where it lacks them."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page lacks {BEGIN} or {END}")
    return "\n".join([head + begin, *_lines(families, only), end + tail])


def _lines(families: Sequence[Mapping[str, Any]], only: Collection[str] | None) -> Iterator[str]:
    """Every quantity; or those that are wanted, and whatever missed its goal."""
    machines = sorted({each["machine"] for each in families})
    days = sorted({each["measured_on"] for each in families})
    yield f"On {' and '.join(machines)}; {' to '.join(dict.fromkeys((days[0], days[-1])))}."
    if only is not None:
        yield from ("", *_HEADER)
    for family in families:
        quantities = [_quantity(each) for each in family["quantities"]]
        if only is not None:
            yield from (_line(each) for each in quantities if each.what in only or each.missed)
            continue
        name, title = family["family"], registry.FAMILIES[family["family"]]
        yield from ("", f"### {title}", "", f"![{title}](plots/{name}.svg)", "", *_HEADER_OF_ALL)
        yield from (f"{_line(each)} {_gate(each)} | {len(each.values)} |" for each in quantities)


def _line(quantity: Quantity) -> str:
    median = f"{table.number(quantity.median, quantity.kind)}{table.unit(quantity.unit)}"
    shown = f"**{median}**" if quantity.missed else median
    reason = f" ({quantity.reason})" if quantity.reason else ""
    return f"| {quantity.what} | {_html(table.goal(quantity))} | {shown}{reason} | {table.spread(quantity)} |"


def _gate(quantity: Quantity) -> str:
    judged_by = quantity.judged_by
    return "" if judged_by is None else f"{judged_by:,.10g}"


def _quantity(stored: Mapping[str, Any]) -> Quantity:
    return Quantity(**{name: stored[name] for name in (each.name for each in fields(Quantity)) if name in stored})


def _html(text: str) -> str:
    return text.replace(">=", "≥").replace("<=", "≤")
