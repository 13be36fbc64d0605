"""Write the documents, or hold the code against them.

    python -m messaging.schemas schemas/                    write what the code says
    python -m messaging.schemas check [--mode full]         exit 1 with a list of what must not be released
    python -m messaging.schemas check --against FOLDER      against the documents of another release

Nothing is written over a released document that the change breaks: make a new version of the event. For a version that
was never released there is --unreleased.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from messaging.schemas.catalogue import CURRENT, Catalogue
from messaging.schemas.documents import FOLDER, released, released_takers, stale, write
from messaging.schemas.gate import MODES, Mode, judge


def main(arguments: Sequence[str], catalogue: Catalogue = CURRENT, folder: Path = FOLDER) -> int:
    """Run the command; returns its exit code. `folder` holds the committed documents."""
    parser = argparse.ArgumentParser(
        prog="python -m messaging.schemas", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", metavar="FOLDER | check", help="the folder to write to, or `check`")
    parser.add_argument("--mode", choices=MODES, default="backward", help="what must not break (default: %(default)s)")
    parser.add_argument("--against", type=Path, help="the documents of another release (check)")
    parser.add_argument("--unreleased", action="store_true", help="write even what breaks (no message of it exists)")
    options = parser.parse_args(arguments)
    if options.what == "check":
        return _check(catalogue, folder, options.against, options.mode)
    target = Path(options.what)
    if not options.unreleased and not _passes(catalogue, target, options.mode):
        return 1
    changed = write(catalogue, target)
    _say(f"written: {', '.join(changed)}" if changed else "nothing has changed")
    return 0


def _check(catalogue: Catalogue, folder: Path, against: Path | None, mode: Mode) -> int:
    if against is not None:
        if not released(against):
            _say(f"no documents are in {against}")
            return 1
        return 0 if _passes(catalogue, against, mode) else 1
    passes = _passes(catalogue, folder, mode)
    outdated = stale(catalogue, folder)
    for name in outdated:
        _say(f"stale: {name} is not what the code says; run python -m messaging.schemas schemas/")
    return 0 if passes and not outdated else 1


def _passes(catalogue: Catalogue, folder: Path, mode: Mode) -> bool:
    report = judge(catalogue, released(folder), mode, released_takers(folder))
    for refusal in report.refusals:
        _say(f"refused: {refusal}")
    for note in report.notes:
        _say(f"note: {note}")
    return not report.refusals


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
