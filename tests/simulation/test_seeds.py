"""Large runs of the whole pipeline with faults everywhere: by seed, so that each can be repeated."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest

from testing.faults import Fault
from tests.simulation.letters import DOUBLE, LOST, NEEDLESS, OUT_OF_ORDER
from tests.simulation.run import run

MESSAGES = 10_000
# DynamoDB's outage in every fourth run. `dev.py check` asks for those of the command: one hour or three, in every other
# run; what is retried all that time is four times as many messages, for which `test` has no time.
OUTAGE_SECONDS = 900.0
WITH_LONG_OUTAGES = os.environ.get("WAYBILL_SIMULATION") == "long"


@pytest.mark.fault(1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 16, 18, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 35)
@pytest.mark.fault(40, 41, 42, 43, 44, 46, 47, 50, 51)
@pytest.mark.parametrize("seeds", [range(1, 11), range(11, 21)], ids=["1 to 10", "11 to 20"])
def test_nothing_is_lost_doubled_reordered_or_dead_without_need(seeds: range) -> None:
    """Ten runs, some through an outage; between them they meet every kind of fault."""
    hits: Counter[Fault] = Counter()
    for seed in seeds:
        result = run(seed, MESSAGES, outage_seconds=outage_seconds(seed))
        assert [f"seed {seed}: {violation}" for violation in result.violations] == []
        assert sum(result.deliveries.values()) >= MESSAGES
        hits.update(result.hits)
    assert [fault.value for fault in Fault if not hits[fault]] == []


def outage_seconds(seed: int) -> float | None:
    """None leaves it to the seed."""
    return None if WITH_LONG_OUTAGES else OUTAGE_SECONDS * (seed % 4 == 1)


def test_the_same_seed_is_the_same_run_whatever_the_hash_seed() -> None:
    """Down to each line of the trace; another seed is another run."""
    code = "from tests.simulation.run import run; print(*(run(seed, 600).trace_hash for seed in (7, 8)))"
    traces = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for hash_seed in ("0", "1")
    ]
    assert traces[0] == traces[1]
    assert len(set(traces[0])) == 2


def test_following_an_event_changes_nothing_and_tells_its_life() -> None:
    """What a violation prints, by running its seed again."""
    plain, followed = run(3, 1_000), run(3, 1_000, follow=("OrderPlaced-5",))
    assert plain.trace_hash == followed.trace_hash
    assert plain.lines == ()
    life = "\n".join(followed.lines)
    assert "OrderPlaced-5  counted applies it" in life
    assert "counted/" in life
    assert " gets it, 1 times so far" in life


@pytest.mark.parametrize("protocol", ["naive", "powertools"])
def test_what_people_use_instead_breaks_its_promises_here(protocol: str) -> None:
    """Or the world would be too kind for what it says of ours."""
    counts: Counter[str] = Counter()
    for seed in (1, 2):
        for (_, what), number in run(seed, 6_000, protocol=protocol).counts.items():
            counts[what] += number
    assert counts[DOUBLE] > 10
    assert counts[NEEDLESS] > 10
    assert counts[OUT_OF_ORDER] > (10 if protocol == "naive" else -1)  # Powertools stops its group
    assert counts[LOST] == 0  # they answer right: so nobody is lost
