"""The roles of a deployment that has every function, and what the functions did with them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.lambdas.permissions.asked import Asked
from tests.lambdas.permissions.roles import Role, roles
from tests.lambdas.permissions.shop import FUNCTIONS, TOPIC, all_days
from tests.stacks.synthesized import MAIL_FROM, Assembly, synthesize


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """With a canary, so that there is every function."""
    return synthesize(tmp_path_factory.mktemp("roles"), stage="prod", canary="on", mail_from=MAIL_FROM)


@pytest.fixture(scope="session")
def granted(assembly: Assembly) -> Mapping[str, Role]:
    """Each function's role."""
    return roles(assembly, TOPIC)


@pytest.fixture(scope="session")
def used(granted: Mapping[str, Role]) -> Mapping[str, set[Asked]]:
    """What each function, and Lambda in its name, asked for over all days."""
    used = {name: {*granted[name].of_lambda} for name in FUNCTIONS}
    for shop in all_days(granted):
        for name, gate in shop.gates.items():
            used[name] |= gate.used | gate.refused
    return used
