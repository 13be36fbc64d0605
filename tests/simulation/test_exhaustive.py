"""Every placement of one fault, and of two, in tiny worlds: no promise is broken, and all comes to rest."""

from __future__ import annotations

import os

import pytest

from testing.faults import PlacedFaults
from tests.simulation.scenarios import SCENARIOS, Scenario, placements_of_one, placements_of_two, play

# Effects, order, and both ends of the topic: thousands of pairs each. Those that take longest, such as calls, are for
# `dev.py check`, which also has longer outages.
TRIED_WITH_TWO = ("a transaction", "a strict sequence", "items of strangers", "publishing")
TRIED_AT_LENGTH = ("a call", "reads and follow-up events", "a call at most once", "the relay")
AT_LENGTH = os.environ.get("WAYBILL_SIMULATION") == "long"


def broken(scenario: Scenario, placement: object) -> list[str]:
    """The promises that a run breaks, each with what was placed where."""
    assert isinstance(placement, dict)
    plan = PlacedFaults(placement, spared=scenario.spared)
    violations = play(scenario, plan).violations
    where = {plan.seen[number][0]: fault.value for number, fault in placement.items() if number < len(plan.seen)}
    return [f"{placement} {where}: {violation}" for violation in violations]


@pytest.mark.parametrize("name", [name for name, scenario in SCENARIOS.items() if scenario.sequel is None])
def test_without_faults_nothing_is_dead_and_nothing_is_repeated(name: str) -> None:
    """What the others are measured by."""
    scenario = SCENARIOS[name]
    truth = play(scenario, PlacedFaults({}, spared=scenario.spared))
    assert truth.violations == []
    for consumer in scenario.consumers:
        assert truth.world.dead_letters(consumer) == []
        told = +truth.world.deployed[consumer].telemetry.counts  # without zeros
        assert told.keys() <= {"Records", "Applied", "Retried"}


@pytest.mark.fault(2, 7, 8, 12, 20, 21, 22, 23, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35)
@pytest.mark.parametrize("name", SCENARIOS)
def test_one_fault_anywhere(name: str) -> None:
    """At every call, function, invocation and delivery."""
    scenario = SCENARIOS[name]
    assert [line for placement in placements_of_one(scenario) for line in broken(scenario, placement)] == []


@pytest.mark.fault(2, 7, 8, 12, 20, 21, 22, 23, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35)
@pytest.mark.parametrize("name", [*TRIED_WITH_TWO, *(TRIED_AT_LENGTH if AT_LENGTH else ())])
def test_two_faults_anywhere(name: str) -> None:
    """The second also where only the first has led."""
    scenario = SCENARIOS[name]
    found = [
        line
        for first in placements_of_one(scenario)
        for placement in placements_of_two(scenario, first)
        for line in broken(scenario, placement)
    ]
    assert found == []
