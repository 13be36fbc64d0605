"""Faults that a test asks for by name, and what to say of those that never struck."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from testing.faults import Fault, InjectedFaults, Options, RandomFaults
from testing.scheduler import Scheduler

_SHOWN = 8


class Injections(InjectedFaults):
    """The faults of one world that are asked for by name. It knows at which places they could have struck."""

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[str, Options] = {}

    def inject(self, name: str, *, at: str = "", times: int = 1) -> None:
        """The fault of that name, so many times, at the next places whose name holds `at`. Raises ValueError."""
        if times < 1:
            raise ValueError(f"a fault that strikes {times} times does not strike")
        super().inject(_fault(name).value, at=at, times=times)

    def choose(self, place: str, options: Options) -> Fault | None:
        """The first one wanted that fits."""
        self._places[place] = options
        return super().choose(place, options) if self._wanted else None

    def unmet(self) -> Iterator[str]:
        """A sentence for each fault that was asked for and has not struck: why not, as far as can be seen."""
        for fault, at, times in self._wanted:
            fitting = [place for place in self._places if at in place]
            able = [place for place in fitting if fault in self._places[place]]
            if able:
                why = f"{', '.join(able[:_SHOWN])} came too seldom"
            elif fitting:
                why = f"it can't strike at {', '.join(fitting[:_SHOWN])}"
            else:
                nearest = get_close_matches(at, self._places, cutoff=0.4) or [*self._places][:_SHOWN]
                why = f"no such place came, but {', '.join(nearest) or 'none at all'}"
            yield f"{fault.value} at {at!r}, {times} times: {why}"


def by_chance(rates: Mapping[str, float], scheduler: Scheduler, seconds: float) -> RandomFaults:
    """Faults by their names, each at its rate (0 to 1), for so long from now on. Raises ValueError."""
    if not all(0 <= rate <= 1 for rate in rates.values()):
        raise ValueError("a rate is 0 to 1")
    by_fault = {_fault(name): rate for name, rate in rates.items()}
    return RandomFaults(by_fault, scheduler.random, clock=scheduler.time, ceases_at=scheduler.now + seconds)


def _fault(name: str) -> Fault:
    try:
        return Fault(name)
    except ValueError:
        names = [fault.value for fault in Fault]
        nearest = ", ".join(get_close_matches(name, names)) or ", ".join(names)
        raise ValueError(f"no fault is called {name!r}, but: {nearest}") from None
