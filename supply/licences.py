"""The licence that each package names, of those that run on AWS and of those that only work here."""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import cast

from supply.locks import DEV, LAYER, ROOT, RUN

UNKNOWN = "unknown"
_IS_LICENCE = "License :: "


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One package and its licence. `where`: on AWS, here, or in Node."""

    where: str
    name: str
    version: str
    licence: str


def packages(root: Path = ROOT) -> list[Package]:
    """All that is installed here of what the locks name, by where it works and its name."""
    deployed = LAYER.pins(root)
    names = {*RUN.pins(root), *DEV.pins(root)}
    python = [
        Package(
            "on AWS" if _normal(name) in deployed else "here",
            name,
            each.version,
            licence_of(cast("Message", each.metadata)),
        )
        for each in importlib.metadata.distributions()
        if _normal(name := each.metadata["Name"]) in names
    ]
    return sorted({*python, *_of_node(root / "node_modules")})


def licence_of(metadata: Message) -> str:
    """What a distribution says of itself: as an SPDX expression, as a classifier, or in words of its own.

    Source: https://packaging.python.org/en/latest/specifications/core-metadata/#license-expression
    """
    if expression := metadata.get("License-Expression"):
        return str(expression)
    if classified := [each.rpartition(" :: ")[2] for each in metadata.get_all("Classifier", []) if _IS_LICENCE in each]:
        return ", ".join(classified)
    first, *more = (metadata.get("License") or UNKNOWN).strip().splitlines()
    return f"{first} (a text of its own)" if more else first


def _of_node(modules: Path) -> Iterator[Package]:
    for path in [*modules.glob("*/package.json"), *modules.glob("@*/*/package.json")]:
        document = json.loads(path.read_text(encoding="utf-8"))
        yield Package("in Node", document["name"], document["version"], str(document.get("license", UNKNOWN)))


def _normal(name: str) -> str:
    """As locks write it: https://packaging.python.org/en/latest/specifications/name-normalization/"""
    return re.sub(r"[-_.]+", "-", name).lower()
