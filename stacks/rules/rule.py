"""A rule, and what it found: pure data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stacks.rules.blueprint import Blueprint, Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One place where a rule is broken: `value` is what stands at `location`, `mend` what to write instead.

    `detail` tells several breaches of one rule by one resource apart, so that an exception is for one of them.
    """

    resource: Resource
    location: str
    value: str
    mend: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What must hold, why, and AWS's own word on it."""

    name: str
    says: str
    source: str
    judge: Callable[[Blueprint], Iterable[Breach]]
