"""Least privilege, both ways: what a function does its role allows, and what its role allows it does on some day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from tests.lambdas.permissions.asked import Asked, table_arn
from tests.lambdas.permissions.roles import Role, missing, surplus
from tests.lambdas.permissions.shop import DAYS, FUNCTIONS, Shop, a_day_of_chance, a_good_day, open_shop

Roles = Mapping[str, Role]


def without(role: Role, action: str) -> Role:
    """The role as it would be, had somebody forgotten one action."""
    statements = [
        {**each, "Action": [other for other in each["Action"] if other != action]} for each in role.statements
    ]
    assert statements != [*role.statements]
    return replace(role, statements=tuple(each for each in statements if each["Action"]))


@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.__name__)
def test_nothing_is_refused(granted: Roles, day: Callable[[Shop], None]) -> None:
    """Every function does its work with its own role, on good days and bad ones."""
    shop = open_shop(granted)
    day(shop)
    assert shop.refused == {}
    assert sum(len(gate.used) for gate in shop.gates.values()) > len(FUNCTIONS)


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_refused_whatever_goes_wrong(granted: Roles, seed: int) -> None:
    """Faults lead down paths that no day above takes."""
    shop = open_shop(granted, seed=seed)
    a_day_of_chance(shop)
    assert shop.refused == {}
    assert shop.world.hits.total() > 50


def test_every_function_has_a_role_of_its_own(granted: Roles) -> None:
    """And none is forgotten here."""
    assert granted.keys() == {*FUNCTIONS}


@pytest.mark.fault(62)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_granted_is_used(granted: Roles, used: Mapping[str, set[Asked]], function: str) -> None:
    """By the function, or by Lambda in its name: no action on any resource is to spare."""
    assert surplus(granted[function], used[function]) == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_used_is_granted(granted: Roles, used: Mapping[str, set[Asked]], function: str) -> None:
    """What Lambda does in its name too, which no world asks for."""
    used_by_lambda = {(action, resource) for action, resource in used[function] if not action.startswith("xray:")}
    assert missing(granted[function], used_by_lambda) == set()


@pytest.mark.parametrize(
    "planted",
    [
        ("dynamodb:DeleteItem", table_arn("orders")),
        ("dynamodb:PartiQLInsert", table_arn("stock")),
        ("dynamodb:*", table_arn("orders")),
        ("sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:inventory.fifo"),
    ],
)
def test_a_surplus_is_found(granted: Roles, used: Mapping[str, set[Asked]], planted: Asked) -> None:
    """An action that is not needed, one on another resource, a wildcard."""
    action, resource = planted
    statement = {"Effect": "Allow", "Action": [action], "Resource": [resource]}
    role = granted["standard_orders"]
    generous = replace(role, statements=(*role.statements, statement))
    assert surplus(generous, used["standard_orders"]) == {planted}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_whatever_lacks_is_found(granted: Roles, used: Mapping[str, set[Asked]], function: str) -> None:
    """Without any one action of its role, something that was done would not have been allowed."""
    role = granted[function]
    for action in {action for action, _ in role.granted}:
        assert missing(without(role, action), used[function]), action


@pytest.mark.parametrize(
    ("function", "action"),
    [
        ("inventory", "dynamodb:UpdateItem"),
        ("standard_orders", "dynamodb:PutItem"),
        ("notifications", "dynamodb:PartiQLInsert"),
        ("analytics", "dynamodb:PutItem"),
        ("notifications", "ses:SendEmail"),
        ("relay", "sns:Publish"),
        ("heartbeat", "sns:Publish"),
    ],
)
def test_what_lacks_is_refused(granted: Roles, function: str, action: str) -> None:
    """As on AWS: the call fails, to that function alone, and no message is lost for it."""
    poor = {**granted, function: without(granted[function], action)}
    shop = open_shop(poor)
    a_good_day(shop, seconds=120)
    assert {name: {did for did, _ in refused} for name, refused in shop.refused.items()} == {function: {action}}
    for consumer in shop.world.deployed:
        applied = [outcomes[-1] for outcomes in shop.world.outcomes(consumer).values()]
        assert "dead_lettered" not in applied
