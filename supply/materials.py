"""Bills of materials in CycloneDX, by the tools that their makers keep: what runs on AWS, what runs here, and Node's.

Source: https://cyclonedx.org/specification/overview/
"""

from __future__ import annotations

import sys
from pathlib import Path

from supply import tools
from supply.locks import LAYER, TOOLS

FUNCTIONS, ENVIRONMENT, NODE = "functions.cdx.json", "environment.cdx.json", "node.cdx.json"


def write(folder: Path) -> list[Path]:
    """Write all three into a folder; the same locks give the same documents, but for Node's time and serial number.

    That of the functions has the hashes of the lock, that of the environment the licences that its packages name.
    Raises SupplyError where a tool fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cyclonedx = [str(tools.environment(TOOLS) / "bin" / "python"), "-m", "cyclonedx_py"]
    output = ["--output-reproducible", "--output-format", "JSON", "--output-file"]
    tools.run([*cyclonedx, "requirements", LAYER.file, *output, str(folder / FUNCTIONS)])
    tools.run([*cyclonedx, "environment", sys.executable, *output, str(folder / ENVIRONMENT)])
    bill = tools.run(
        [str(tools.NPM), "sbom", "--package-lock-only", "--sbom-format", "cyclonedx", "--sbom-type", "application"]
    )
    (folder / NODE).write_text(bill, encoding="utf-8")
    return [folder / name for name in (FUNCTIONS, ENVIRONMENT, NODE)]
