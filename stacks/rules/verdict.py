"""Every rule, and what they find in a blueprint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stacks.rules import access, dead_letters, delivery, limits, routing, secrecy, tables, throughput, watching
from stacks.rules.blueprint import Blueprint
from stacks.rules.rule import Breach, Rule

RULES: tuple[Rule, ...] = (
    *(*delivery.RULES, *dead_letters.RULES, *throughput.RULES, *routing.RULES),
    *(*access.RULES, *secrecy.RULES, *watching.RULES, *limits.RULES, *tables.RULES),
)
NAMES = frozenset(rule.name for rule in RULES)


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule and one place where it is broken."""

    rule: Rule
    breach: Breach

    @property
    def name(self) -> str:
        """What an exception is called: the rule, and which of its breaches where a resource may have several."""
        return f"{self.rule.name}[{self.breach.detail}]" if self.breach.detail else self.rule.name

    @property
    def message(self) -> str:
        """The value, the rule and its source."""
        return f"{self.breach.value}: {self.rule.says}. {self.rule.source}"


def judge(blueprint: Blueprint) -> Iterator[Finding]:
    """Every rule, everywhere."""
    for rule in RULES:
        for breach in rule.judge(blueprint):
            yield Finding(rule, breach)
