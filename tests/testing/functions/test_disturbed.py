"""A consumer's own code with something going wrong before it: by chance, or for good because of an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from messaging.effects import External, Transactional
from messaging.errors import Poison
from messaging.events import EventType, OrderPlaced
from messaging.message import decode
from testing.functions.disturbed import Disturbance, PassingBug
from testing.functions.process import Killed
from tests.factories import body, order
from tests.testing.functions.region import Region

EVENT_ID = order("1").event_id
Struck = Callable[[str], Any]


@pytest.fixture
def disturbance(region: Region) -> Disturbance:
    return Disturbance(region)


@pytest.fixture(params=["transactional", "external"])
def struck(request: pytest.FixtureRequest, region: Region, disturbance: Disturbance) -> Struck:
    """A consumer's function behind the disturbance, run in a process: it gives back the event's id and its tools."""

    def function(message: Any, tools: Any) -> Any:
        return message.id, tools

    functions: dict[EventType, Any] = {OrderPlaced: function}
    if request.param == "transactional":
        transactional = disturbance.around(Transactional(functions=functions))
        assert isinstance(transactional, Transactional)
        wrapped: Any = transactional.functions[OrderPlaced]
    else:
        external = disturbance.around(External(calls=functions, calls_per_completion=3))
        assert isinstance(external, External)
        assert external.calls_per_completion == 3
        wrapped = external.calls[OrderPlaced]

    def run(order_id: str) -> Any:
        process = region.process(lives_seconds=5.0)

        def task() -> Any:
            process.enter()
            try:
                return wrapped(decode(body(order(order_id))), "tools")
            except (Killed, Poison, PassingBug) as error:
                return type(error)

        return region.run(task)

    return run


def test_undisturbed_it_is_the_function_itself(struck: Struck, region: Region) -> None:
    """With what it is given; the place at which something could have gone wrong is its own."""
    assert struck("1") == (EVENT_ID, "tools")
    assert region.places == ["worker function"]


@pytest.mark.parametrize(
    ("fault", "error", "seconds"), [("dies_in_function", Killed, 0), ("exception", PassingBug, 0), ("hangs", Killed, 5)]
)
def test_each_fault_strikes_once(struck: Struck, region: Region, fault: str, error: type, seconds: int) -> None:
    """Before the function does anything; one that hangs does so until the time-out."""
    began_at = region.scheduler.now
    region.faults.inject(fault)
    assert struck("1") is error
    assert region.scheduler.now == began_at + seconds
    assert struck("1") == (EVENT_ID, "tools")


def test_a_killer_kills_whoever_gets_it(struck: Struck, disturbance: Disturbance) -> None:
    """Every time, and nobody else does."""
    disturbance.killers.add(EVENT_ID)
    assert [struck("1"), struck("1")] == [Killed, Killed]
    assert struck("2") == (order("2").event_id, "tools")


def test_an_event_can_be_poison_to_all(struck: Struck, disturbance: Disturbance) -> None:
    """Every time."""
    disturbance.unprocessable.add(EVENT_ID)
    assert [struck("1"), struck("1")] == [Poison, Poison]
    assert struck("2") == (order("2").event_id, "tools")


def test_an_event_can_fail_so_often(struck: Struck, disturbance: Disturbance) -> None:
    """Then never again."""
    disturbance.stubborn[EVENT_ID] = 2
    assert [struck("1"), struck("1")] == [PassingBug, PassingBug]
    assert struck("1") == (EVENT_ID, "tools")


def test_new_code_heals(struck: Struck, disturbance: Disturbance) -> None:
    """Whatever it was."""
    for bad in (disturbance.killers, disturbance.unprocessable):
        bad.add(EVENT_ID)
    disturbance.stubborn[EVENT_ID] = 99
    disturbance.heal()
    assert struck("1") == (EVENT_ID, "tools")
