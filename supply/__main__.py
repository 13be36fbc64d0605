"""`python3 dev.py supply`: lock files, known vulnerabilities, bills of materials and licences.

    python3 dev.py supply lock                 write every lock file from what it is made of
    python3 dev.py supply lock --upgrade       the same, with the newest version of whatever is not pinned there
    python3 dev.py supply audit                exit 1 where a vulnerability is known in a locked package
    python3 dev.py supply sbom FOLDER          write bills of materials, CycloneDX in JSON, into FOLDER
    python3 dev.py supply licences             list every package with its licence

All but `licences` need the network.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from supply import audit, licences, materials, tools
from supply.errors import SupplyError
from supply.locks import LOCKS, NODE_COMMAND, NODE_LOCK, TOOLS


def main(arguments: Sequence[str]) -> int:
    """Run one command. Returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="dev.py supply", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("lock").add_argument("--upgrade", action="store_true")
    commands.add_parser("audit")
    commands.add_parser("sbom").add_argument("folder", type=Path)
    commands.add_parser("licences")
    options = parser.parse_args(arguments)
    try:
        match options.command:
            case "lock":
                return _lock(upgrade=options.upgrade)
            case "audit":
                return audit.verdict(audit.audits(), _tell)
            case "sbom":
                _tell("\n".join(map(str, materials.write(options.folder))))
            case _:
                for package in licences.packages():
                    _tell(f"{package.where:<8} {package.name:<28} {package.version:<14} {package.licence}")
    except SupplyError as error:
        sys.stderr.write(f"supply: {error}\n")
        return 1
    return 0


def _lock(*, upgrade: bool) -> int:
    uv = tools.environment(TOOLS) / "bin" / "uv"
    for lock in LOCKS:
        tools.run(lock.command(uv, upgrade=upgrade))
        _tell(lock.file)
    tools.run([str(tools.NPM), *NODE_COMMAND])
    _tell(NODE_LOCK)
    return 0


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
