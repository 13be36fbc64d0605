"""The table of rules in docs/security.md: `.venv/bin/python -m tests.stacks.rules.table docs/security.md`."""

from __future__ import annotations

import sys
from pathlib import Path

from stacks.rules.verdict import RULES

BEGIN, END = "<!-- rules: begin -->\n", "<!-- rules: end -->"


def table() -> str:
    """A row for each rule."""
    rows = [f"| `{rule.name}` | {rule.says} | [AWS]({rule.source}) |" for rule in RULES]
    return "\n".join(["| rule | for | |", "|---|---|---|", *rows]) + "\n"


def embed(text: str) -> str:
    """The document with its table brought up to date. Raises ValueError where it lacks the marker lines."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document lacks the lines {BEGIN.strip()} and {END}")
    return f"{before}{begin}{table()}{end}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(embed(path.read_text(encoding="utf-8")), encoding="utf-8")
