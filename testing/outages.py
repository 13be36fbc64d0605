"""When a whole service answers nobody."""

from __future__ import annotations

from collections.abc import Callable

# As boto3 names the clients.
SERVICES = ("dynamodb", "sqs", "sns", "sesv2")


class Outages:
    """Of one world; the last one of each service counts. `clock` gives epoch seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._times: dict[str, tuple[float, float]] = {}

    def begin(self, service: str, *, after_seconds: float, seconds: float) -> None:
        """Have one. Raises ValueError for a service that the world does not have."""
        if service not in SERVICES:
            raise ValueError(f"no service is called {service!r} here, only {', '.join(SERVICES)}")
        starts_at = self._clock() + after_seconds
        self._times[service] = (starts_at, starts_at + seconds)

    def is_out(self, service: str) -> bool:
        """Whether the service has an outage now."""
        if service not in self._times:
            return False
        starts_at, ends_at = self._times[service]
        return starts_at <= self._clock() < ends_at
