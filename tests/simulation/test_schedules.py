"""Schedules of faults that Hypothesis chooses, and shrinks to the fewest that break a promise."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testing.faults import Fault, PlacedFaults
from tests.simulation.scenarios import SCENARIOS, play

placements = st.dictionaries(st.integers(0, 60), st.sampled_from(Fault), max_size=8)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(name=st.sampled_from(sorted(SCENARIOS)), placement=placements, seed=st.integers(0, 3))
def test_no_schedule_breaks_a_promise(name: str, placement: dict[int, Fault], seed: int) -> None:
    """Up to eight faults, wherever they can happen; the seed is that of latencies and shuffles."""
    scenario = SCENARIOS[name]
    truth = play(scenario, PlacedFaults(placement), seed=seed)
    assert [str(violation) for violation in truth.violations] == []
