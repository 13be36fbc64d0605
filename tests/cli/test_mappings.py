"""Event source mappings, stopped and started."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli.errors import CliError
from cli.mappings import PATIENCE_SECONDS, describe, switch


class FakeLambda:
    """A mapping that takes some looks to get where it is told to; `busy` times it refuses to be told."""

    def __init__(self, state: str = "Enabled", *, looks: int = 3, busy: int = 0) -> None:
        self.state, self.looks, self.busy = state, looks, busy
        self.asked: list[bool] = []
        self._target, self._left = state, 0

    def get_event_source_mapping(self, UUID: str) -> dict[str, Any]:  # noqa: N803 - AWS's
        if self._left > 0:
            self._left -= 1
            if self._left == 0:
                self.state = self._target
        return {"State": self.state, "FunctionResponseTypes": ["ReportBatchItemFailures"], "BatchSize": 10}

    def update_event_source_mapping(self, UUID: str, Enabled: bool) -> None:  # noqa: N803 - AWS's
        if self.busy:
            self.busy -= 1
            raise ClientError({"Error": {"Code": "ResourceInUseException", "Message": ""}}, "UpdateEventSourceMapping")
        self.asked.append(Enabled)
        self._target, self._left = ("Enabled" if Enabled else "Disabled"), self.looks
        self.state = "Enabling" if Enabled else "Disabling"


class Clock:
    """Time that passes only in sleep."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(("on", "before", "after"), [(False, "Enabled", "Disabled"), (True, "Disabled", "Enabled")])
def test_a_switch_waits_until_it_has_happened(on: bool, before: str, after: str) -> None:
    """Asked once, however long it takes."""
    client, clock = FakeLambda(before), Clock()
    assert switch(client, "m", on=on, clock=clock, sleep=clock.sleep)
    assert (client.state, client.asked) == (after, [on])
    assert clock.now == 3.0


def test_what_is_so_already_is_left_alone() -> None:
    """And it is said."""
    client = FakeLambda("Disabled")
    assert not switch(client, "m", on=False)
    assert client.asked == []


def test_a_change_under_way_is_waited_for() -> None:
    """Then ours follows."""
    client, clock = FakeLambda(busy=2), Clock()
    assert switch(client, "m", on=False, clock=clock, sleep=clock.sleep)
    assert client.asked == [False]


def test_one_that_never_gets_there_is_an_error() -> None:
    """With the state in which it is."""
    client, clock = FakeLambda(looks=10_000), Clock()
    with pytest.raises(CliError, match="Disabling"):
        switch(client, "m", on=False, clock=clock, sleep=clock.sleep)
    assert clock.now >= PATIENCE_SECONDS


def test_another_error_is_not_swallowed() -> None:
    """Such as one of permissions."""

    class Denying(FakeLambda):
        def update_event_source_mapping(self, UUID: str, Enabled: bool) -> None:  # noqa: N803 - AWS's
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "UpdateEventSourceMapping")

    with pytest.raises(ClientError, match="AccessDenied"):
        switch(Denying(), "m", on=False)


def test_a_description() -> None:
    """What is not set is not made up."""
    described = describe(FakeLambda(), "m")
    assert (described.state, described.reports_failures, described.maximum_concurrency) == ("Enabled", True, None)
