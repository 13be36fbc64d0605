"""IAM's judgement of a request, as far as Waybill's policies use its language; what it does not know it refuses.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Statement = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody wants to do something. `principal` is an account or a service where a resource's policy judges."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict, compare=False)
    principal: str | None = field(default=None, compare=False)


def decide(statements: Iterable[Statement], request: Request) -> bool:
    """Whether it is allowed: by one statement at least, and denied by none."""
    effects = {statement["Effect"] for statement in statements if applies(statement, request)}
    return effects == {"Allow"}


def applies(statement: Statement, request: Request) -> bool:
    """Whether a statement speaks of the request. Raises KeyError for an element or operator that is not known here."""
    if unknown := statement.keys() - {"Effect", "Principal", "Action", "Resource", "Condition"}:
        raise KeyError(f"a statement with {', '.join(sorted(unknown))}")
    return (
        any(matches(each, request.action, case=False) for each in listed(statement["Action"]))
        and any(matches(each, request.resource) for each in listed(statement["Resource"]))
        and ("Principal" not in statement or _names(statement["Principal"], request.principal))
        and all(
            OPERATORS[operator](listed(wanted), request.context.get(key))
            for operator, conditions in statement.get("Condition", {}).items()
            for key, wanted in conditions.items()
        )
    )


def matches(pattern: str, text: str, *, case: bool = True) -> bool:
    """IAM's patterns: `*` is any text, `?` any character, and nothing else is special."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, flags=0 if case else re.IGNORECASE) is not None


def listed(one_or_more: Any) -> list[Any]:
    """A policy may leave out the list around a single element."""
    return one_or_more if isinstance(one_or_more, list) else [one_or_more]


def _names(principals: Any, principal: str | None) -> bool:
    if principals == "*":
        return True
    return any(principal in listed(named) for named in principals.values())


def _equals(wanted: list[Any], given: str | None) -> bool:
    return given in wanted


def _like(wanted: list[Any], given: str | None) -> bool:
    return given is not None and any(matches(each, given) for each in wanted)


OPERATORS: Mapping[str, Callable[[list[Any], str | None], bool]] = {
    "StringEquals": _equals,
    "StringLike": _like,
    "ArnEquals": _like,  # the two are the same
    "ArnLike": _like,
    "Bool": _equals,
}
