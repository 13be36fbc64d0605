"""Any SNS filter policy on any message, in either scope, and which of its conditions failed on which value.

Sources: https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html, the pages below it, and for
bodies with arrays https://github.com/aws/event-ruler, whose errors SNS gives word for word: names that are nested in
an array of objects must match within one of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from messaging.filter_conditions import Condition, Scope, Value, holds, is_alternatives

Path = tuple[str, ...]
Requirement = tuple[Path, Sequence[Condition]]
_NOTHING: Any = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One name of a policy: its conditions, of which one must hold, and the message's values under it, if any."""

    name: str
    conditions: tuple[Condition, ...]
    values: tuple[Value, ...]
    holds: bool

    @property
    def text(self) -> str:
        """One line for people."""
        wanted = " or ".join(map(describe, self.conditions))
        there = " and ".join(map(_shown, self.values)) or "nothing"
        return f"{self.name}: {there}, {'as' if self.holds else 'but'} the policy wants {wanted}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One way to meet a policy: all its findings hold, and together. A policy without `$or` has one."""

    findings: tuple[Finding, ...]
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Whether SNS delivers, by each alternative. `because` says what no condition can be blamed for."""

    matches: bool
    alternatives: tuple[Alternative, ...]
    because: str | None = None

    @property
    def lines(self) -> list[str]:
        """For people: of a match what held, else what each alternative failed on."""
        if self.because is not None:
            return [self.because]
        shown = [each for each in self.alternatives if each.holds == self.matches][: 1 if self.matches else None]
        lines = []
        for alternative in shown:
            texts = [each.text for each in alternative.findings if each.holds == self.matches]
            lines.append("; ".join(texts) or "each name matches, but not within one element of an array")
        return lines


def explain(
    policy: Mapping[str, Any],
    *,
    attributes: Mapping[str, Mapping[str, Any]] | None = None,
    body: str = "",
    scope: Scope = "MessageAttributes",
) -> Explanation:
    """Whether and why SNS delivers a message. `attributes` are as Publish takes them (`DataType`, `StringValue`)."""
    if not policy:
        return Explanation(matches=True, alternatives=(), because="the subscription has no filter policy: it takes all")
    in_body = scope == "MessageBody"
    try:
        document = _parsed(body) if in_body else {name: _values(each) for name, each in (attributes or {}).items()}
    except ValueError:
        return _nothing_to_match("the body is no JSON object, and the policy is on the body")
    document = {name: value for name, value in document.items() if value is not _NOTHING}
    if not document:
        what = "members" if in_body else "attributes"
        return _nothing_to_match(f"the message has no {what}: it passes no policy, not even `exists: false`")
    leaves = _leaves(document, split=in_body)
    found = [
        _explain_alternative(requirements, document, leaves, split=in_body)
        for requirements in _alternatives(policy, (), split=in_body)
    ]
    return Explanation(matches=any(each.holds for each in found), alternatives=tuple(found))


def attributes_of(strings: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Attributes that are all strings, as Publish takes them."""
    return {name: {"DataType": "String", "StringValue": value} for name, value in strings.items()}


def describe(condition: Condition) -> str:
    """A condition in words."""
    if not isinstance(condition, Mapping):
        return _shown(condition)
    ((operator, operand),) = condition.items()
    if operator == "exists":
        return "that it is there" if operand else "that it is not there"
    if operator == "numeric":
        bounds = zip(operand[::2], operand[1::2], strict=False)
        return "a number " + " and ".join(f"{sign} {bound}" for sign, bound in bounds)
    if operator == "anything-but":
        operands = operand if isinstance(operand, (list, tuple)) else [operand]
        return "anything but " + " or ".join(map(describe, operands))
    return f"{operator} {_shown(operand)}"


def _nothing_to_match(because: str) -> Explanation:
    return Explanation(matches=False, alternatives=(), because=because)


def _alternatives(policy: Mapping[str, Any], under: Path, *, split: bool) -> list[list[Requirement]]:
    """What each way through the policy's `$or`s asks for."""
    ways: list[list[Requirement]] = [[]]
    for name, operand in policy.items():
        if is_alternatives(name, operand):
            choices = [way for each in operand for way in _alternatives(each, under, split=split)]
        elif isinstance(operand, Mapping):
            choices = _alternatives(operand, (*under, *_parts(name, split=split)), split=split)
        else:
            choices = [[((*under, *_parts(name, split=split)), operand)]]
        ways = [[*way, *choice] for way in ways for choice in choices]
    return ways


def _explain_alternative(
    requirements: Sequence[Requirement], document: Mapping[str, Any], leaves: Mapping[Path, list[Value]], *, split: bool
) -> Alternative:
    findings = tuple(
        Finding(
            name=".".join(path),
            conditions=tuple(conditions),
            values=tuple(leaves.get(path, ())),
            holds=any(_meets(conditions, value) for value in leaves.get(path, ())) or _absent(path, conditions, leaves),
        )
        for path, conditions in requirements
    )
    # What asks for absence asks it of the whole message, so only the rest has to be met together.
    rest = [each for each in requirements if not _absent(*each, leaves)]
    together = all(each.holds for each in findings) and _meet_together(rest, 0, document, split=split)
    return Alternative(findings=findings, holds=together)


def _meet_together(requirements: Iterable[Requirement], depth: int, node: Any, *, split: bool) -> bool:
    """Whether all requirements are met below a node; within one element, where it is an array."""
    requirements = [*requirements]
    if isinstance(node, list):
        return not requirements or any(_meet_together(requirements, depth, each, split=split) for each in node)
    here = [conditions for path, conditions in requirements if len(path) == depth]
    if here and (isinstance(node, dict) or not all(_meets(conditions, node) for conditions in here)):
        return False
    heads: dict[str, list[Requirement]] = {}
    for path, conditions in requirements:
        if len(path) > depth:
            heads.setdefault(path[depth], []).append((path, conditions))
    if heads and not isinstance(node, dict):
        return False
    children = _children(node, split=split) if heads else {}
    return all(
        any(_meet_together(below, depth + 1, child, split=split) for child in children.get(head, ()))
        for head, below in heads.items()
    )


def _children(node: Mapping[str, Any], *, split: bool) -> dict[str, list[Any]]:
    """A node's members by the first part of their name: SNS takes `a.b` for b within a."""
    children: dict[str, list[Any]] = {}
    for name, value in node.items():
        head, *tail = _parts(name, split=split)
        children.setdefault(head, []).append({".".join(tail): value} if tail else value)
    return children


def _leaves(node: Any, *, split: bool, path: Path = ()) -> dict[Path, list[Value]]:
    """Every value of a message by its path, over all elements of arrays."""
    found: dict[Path, list[Value]] = {}
    below: Iterator[tuple[Path, Any]]
    if isinstance(node, dict):
        below = (((*path, *_parts(name, split=split)), value) for name, value in node.items())
    elif isinstance(node, list):
        below = ((path, value) for value in node)
    else:
        return {path: [node]}
    for where, value in below:
        for leaf, values in _leaves(value, split=split, path=where).items():
            found.setdefault(leaf, []).extend(values)
    return found


def _parts(name: str, *, split: bool) -> tuple[str, ...]:
    return tuple(name.split(".")) if split else (name,)


def _meets(conditions: Sequence[Condition], value: Value) -> bool:
    for condition in conditions:
        if isinstance(condition, Mapping) and "exists" in condition:
            if condition["exists"] and value is not None and value != "":
                return True
        elif holds(condition, value):
            return True
    return False


def _absent(path: Path, conditions: Sequence[Condition], leaves: Mapping[Path, list[Value]]) -> bool:
    """Whether one of the conditions is that there is nothing, and there is."""
    wanted = any(isinstance(each, Mapping) and each.get("exists") is False for each in conditions)
    return wanted and path not in leaves


def _parsed(body: str) -> dict[str, Any]:
    document = json.loads(body, parse_int=Decimal, parse_float=Decimal)
    if not isinstance(document, dict):
        raise ValueError("no object")
    return document


def _values(attribute: Mapping[str, Any]) -> Any:
    """An attribute's value, or values; _NOTHING for one that SNS does not look at.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
    """
    kind, text = attribute["DataType"], attribute.get("StringValue", "")
    if kind.startswith("Binary"):
        return _NOTHING
    if kind.endswith(".Array"):
        try:
            values = json.loads(text, parse_int=Decimal, parse_float=Decimal)
        except ValueError:
            return []
        return values if isinstance(values, list) else []
    if kind.startswith("Number"):
        try:
            return Decimal(text)
        except InvalidOperation:
            return []
    return text


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False, default=str)
