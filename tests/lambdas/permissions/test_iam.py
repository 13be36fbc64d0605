"""The judge, where Waybill's policies rely on it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lambdas.permissions.iam import Request, decide

READ = Request("dynamodb:GetItem", "arn:aws:dynamodb:eu-north-1:1:table/orders")


def statement(**parts: Any) -> dict[str, Any]:
    """One that allows reading orders, but for what is said."""
    return {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": READ.resource, **parts}


def test_nothing_is_allowed_by_itself() -> None:
    """No statement, no access."""
    assert not decide([], READ)


@pytest.mark.parametrize(
    ("parts", "allowed"),
    [
        ({}, True),
        ({"Action": ["dynamodb:PutItem", "DynamoDB:getitem"]}, True),
        ({"Action": "dynamodb:PutItem"}, False),
        ({"Action": "dynamodb:Get*"}, True),
        ({"Action": "dynamodb:GetItem?"}, False),
        ({"Resource": "*"}, True),
        ({"Resource": f"{READ.resource}/stream/*"}, False),
        ({"Resource": READ.resource.replace("orders", "Orders")}, False),
        ({"Resource": READ.resource.replace("-", ".")}, False),
    ],
)
def test_action_and_resource_must_fit(parts: dict[str, Any], allowed: bool) -> None:
    """Actions in any case, resources to the letter; a dot is a dot."""
    assert decide([statement(**parts)], READ) is allowed


def test_a_denial_outweighs_every_permission() -> None:
    """In whichever order they stand."""
    denied = statement(Effect="Deny", Action="*")
    assert not decide([statement(), denied], READ)
    assert not decide([denied, statement()], READ)


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, False),
        ({"StringEquals": {"aws:SourceAccount": ["1", "2"]}}, True),
        ({"StringEquals": {"aws:SourceAccount": "2"}}, False),
        ({"StringEquals": {"sns:Protocol": "sqs"}}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:*:alarm:*"}}, True),
        ({"ArnEquals": {"aws:SourceArn": "arn:x:alarm"}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"aws:SourceAccount": "2"}}, False),
    ],
)
def test_every_condition_must_hold(condition: dict[str, Any], allowed: bool) -> None:
    """One on what the request does not say does not hold."""
    context = {"aws:SecureTransport": "true", "aws:SourceAccount": "1", "aws:SourceArn": "arn:x:alarm:y"}
    request = Request(READ.action, READ.resource, context)
    assert decide([statement(Condition=condition)], request) is allowed


@pytest.mark.parametrize(("principal", "allowed"), [("111122223333", True), ("444455556666", False), (None, False)])
def test_a_resources_policy_says_whom(principal: str | None, allowed: bool) -> None:
    """And means nobody else."""
    request = Request(READ.action, READ.resource, principal=principal)
    assert decide([statement(Principal={"AWS": ["111122223333"]})], request) is allowed


@pytest.mark.parametrize("parts", [{"NotAction": "x"}, {"Condition": {"DateLessThan": {"aws:CurrentTime": "x"}}}])
def test_what_it_does_not_know_is_an_error(parts: dict[str, Any]) -> None:
    """Never a guess."""
    with pytest.raises(KeyError):
        decide([statement(**parts)], READ)
