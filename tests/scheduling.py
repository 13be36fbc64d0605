"""Which tests share a worker, and which begin first: few engines are deployed, and no long test is left for the end.

pytest-xdist's own `--dist loadgroup` does nothing with pytest 9.2: it writes the group into an attribute that items no
longer have, and is silent about it.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from xdist.scheduler import LoadScopeScheduling

FLOW = "tests/flow/"
# Flow tests that have an engine of their own beside that of the others: on one alone they would take longer than all
# other tests together.
OPERATORS = ("tests/flow/test_cli_", "tests/flow/test_alarms")
# Tests of many seconds each: the longest first.
LONG = ("tests/simulation/test_seeds.py", "tests/simulation/test_exhaustive.py", "tests/simulation/", "tests/fuzz/")


class Scheduling(LoadScopeScheduling):
    """The units of `scope_of`, in the order in which they are collected."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def scope_of(nodeid: str) -> str:
    """What a test shares a worker with: half of the flow tests, its module, or, where it is long, nobody."""
    if nodeid.startswith(FLOW):
        return "operators" if nodeid.startswith(OPERATORS) else "orders"
    return nodeid if nodeid.startswith(LONG) else nodeid.partition("::")[0]


def in_order(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Flow tests first, for they wait more than they compute; then the long ones; the rest as it was."""
    return sorted(items, key=lambda item: _turn(item.nodeid))


def _turn(nodeid: str) -> int:
    places = (FLOW, *LONG)
    return next((turn for turn, place in enumerate(places) if nodeid.startswith(place)), len(places))
