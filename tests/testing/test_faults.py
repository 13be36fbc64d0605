"""Plans: which of what may go wrong at a place does."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from testing.faults import Fault, InjectedFaults, NoFaults, Options, PlacedFaults, RandomFaults

CALL: Options = (Fault.THROTTLED, Fault.SLOW, Fault.LOST_REPLY)
CODE: Options = (Fault.EXCEPTION, Fault.HANGS)


def test_a_plan_without_faults() -> None:
    """Whatever may happen does not."""
    assert NoFaults().choose("anywhere", tuple(Fault)) is None


def test_names_are_those_of_the_members() -> None:
    """So that whoever reads a name in a test finds it here."""
    assert {fault.value: fault.name for fault in Fault} == {fault.value: fault.value.upper() for fault in Fault}


class TestRandomFaults:
    def plan(self, *, seed: int = 1, **settings: float) -> RandomFaults:
        rates = {Fault.THROTTLED: 0.2, Fault.SLOW: 0.1, Fault.HANGS: 0.5}
        return RandomFaults(rates, Random(seed), clock=lambda: 100.0, **settings)

    def test_each_has_its_rate(self) -> None:
        """And those that can't happen at a place, or have none, do not."""
        plan = self.plan()
        hits = Counter(plan.choose("anywhere", CALL) for _ in range(20_000))
        assert hits.keys() == {Fault.THROTTLED, Fault.SLOW, None}
        assert hits[Fault.THROTTLED] == pytest.approx(4_000, rel=0.06)
        assert hits[Fault.SLOW] == pytest.approx(2_000, rel=0.06)

    def test_each_place_has_its_own_options(self) -> None:
        """Asked by turns."""
        plan = self.plan()
        hits = [(plan.choose("call", CALL), plan.choose("code", CODE)) for _ in range(1_000)]
        assert {call for call, _ in hits} == {Fault.THROTTLED, Fault.SLOW, None}
        assert {code for _, code in hits} == {Fault.HANGS, None}

    def test_the_same_seed_chooses_the_same(self) -> None:
        """Another one does not."""
        plans = [self.plan(seed=seed) for seed in (1, 1, 2)]
        runs = [[plan.choose("call", CALL) for _ in range(100)] for plan in plans]
        assert runs[0] == runs[1] != runs[2]

    def test_nothing_goes_wrong_after_they_cease(self) -> None:
        """At that time already; and before it as ever."""
        for ceases_at, goes_wrong in ((100.0, False), (100.1, True)):
            plan = self.plan(ceases_at=ceases_at)
            assert any(plan.choose("call", CALL) for _ in range(1_000)) == goes_wrong

    def test_what_may_not_go_wrong_does_not(self) -> None:
        """A place without options, or without rates."""
        plan = self.plan()
        options: tuple[Options, ...] = ((), (Fault.EXCEPTION,))
        assert not any(plan.choose("call", each) for each in options for _ in range(100))


class TestPlacedFaults:
    def test_a_fault_strikes_at_its_opportunity(self) -> None:
        """Counted from 0; the plan says what opportunities there were."""
        plan = PlacedFaults({1: Fault.SLOW, 2: Fault.SLOW, 3: Fault.HANGS})
        places: list[tuple[str, Options]] = [("a", CALL), ("b", CALL), ("c", CODE), ("d", CODE), ("e", CALL)]
        chosen = [plan.choose(place, options) for place, options in places]
        assert chosen == [None, Fault.SLOW, None, Fault.HANGS, None], "nobody is slow at c"
        assert plan.seen == places

    def test_spared_places_are_no_opportunities(self) -> None:
        """By the beginning of their names."""
        plan = PlacedFaults({0: Fault.SLOW, 1: Fault.SLOW}, spared=("producer", "topic"))
        places = ["producer sns.publish", "worker producer", "topic worker", "worker"]
        assert [plan.choose(place, CALL) for place in places] == [None, Fault.SLOW, None, Fault.SLOW]
        assert [place for place, _ in plan.seen] == ["worker producer", "worker"]


class TestInjectedFaults:
    def test_a_fault_strikes_once_at_the_next_place_that_fits(self) -> None:
        """Where its name holds the text, and the fault is possible."""
        plan = InjectedFaults()
        plan.inject("slow", at="worker dynamodb")
        assert plan.choose("other dynamodb.get_item", CALL) is None
        assert plan.choose("worker dynamodb code", CODE) is None
        assert plan.left == Counter(slow=1)
        assert plan.choose("worker dynamodb.get_item", CALL) is Fault.SLOW
        assert plan.choose("worker dynamodb.get_item", CALL) is None
        assert plan.left == Counter()

    def test_it_can_strike_several_times(self) -> None:
        """And the first one asked for comes first."""
        plan = InjectedFaults()
        plan.inject("slow", times=2)
        plan.inject("throttled", at="dynamodb")
        chosen = [plan.choose(place, CALL) for place in ("sqs", "dynamodb", "sqs", "dynamodb")]
        assert chosen == [Fault.SLOW, Fault.SLOW, None, Fault.THROTTLED]

    def test_a_name_that_no_fault_has_is_refused(self) -> None:
        """At once, not in silence."""
        with pytest.raises(ValueError, match="earthquake"):
            InjectedFaults().inject("earthquake")
