"""The heartbeat and who takes it, in a world and as EventBridge calls it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from lambdas import canary, heartbeat
from messaging.errors import SettingsError
from messaging.events import heartbeat as heartbeat_of
from messaging.heartbeat import HeartbeatSettings
from messaging.topology import ORDERS
from testing import World

MINUTE = "2026-11-20T10:00:00Z"


class Lines:
    """A logger and metrics that remember what they were told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.counts: dict[str, float] = {}

    def append_keys(self, **keys: str) -> None:
        """Nothing to remember."""

    def info(self, message: str, *, extra: dict[str, Any]) -> None:
        self.told.append((message, extra))

    warning = info

    def add_metric(self, name: str, unit: object, value: float) -> None:
        self.counts[name] = value

    def flush_metrics(self) -> None:
        """Kept as they are."""


class Topic:
    """SNS, which may refuse what it is given."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.published: list[dict[str, Any]] = []
        self.refuses = refuses

    def publish_batch(self, **request: Any) -> dict[str, Any]:
        if self.refuses:
            return {"Failed": [{"Id": "0", "Code": "AuthorizationError", "SenderFault": True}]}
        self.published += request["PublishBatchRequestEntries"]
        return {"Failed": []}


def start(topic: Topic, lines: Lines, **environment: str) -> Any:
    """The function after a cold start."""
    machine: Any = SimpleNamespace(
        environment={"WAYBILL_TOPIC_ARN": "arn:orders", **environment},
        clients=SimpleNamespace(sns=topic),
        clock=lambda: 1_795_168_800.0,
        sleep=lambda _: None,
        side_by_side=None,
        logger=lambda _: lines,
        publisher_metrics=lambda _: lines,
    )
    return heartbeat.handler.start(machine)


def beat(topic: Topic, lines: Lines) -> Any:
    """One invocation by EventBridge."""
    return start(topic, lines)({"time": MINUTE}, SimpleNamespace(aws_request_id="r-1"))


def test_a_heartbeat_goes_to_the_topic() -> None:
    """In a group of its own, under an id that is its minute's: a second start publishes the same event."""
    topic, lines = Topic(), Lines()
    assert beat(topic, lines) == {"published": 1}
    beat(topic, lines)
    first, second = topic.published
    assert first == second
    assert first["MessageDeduplicationId"] == f"Heartbeat-{MINUTE}"
    assert first["MessageGroupId"] == "canary"
    assert first["MessageAttributes"]["type"]["StringValue"] == "Heartbeat"
    assert (lines.counts["Published"], lines.counts["Unrouted"]) == (1, 0)


def test_a_refused_heartbeat_is_told() -> None:
    """And raises nothing: the alarm is on the canary's silence."""
    topic, lines = Topic(refuses=True), Lines()
    assert beat(topic, lines) == {"published": 0}
    assert [message for message, _ in lines.told] == ["not published", "heartbeat"]
    assert lines.told[0][1]["code"] == "AuthorizationError"
    assert lines.counts["PublishFailed"] == 1


def test_a_missing_topic_is_named() -> None:
    """At the first invocation."""
    with pytest.raises(SettingsError, match="WAYBILL_TOPIC_ARN is not set"):
        start(Topic(), Lines(), WAYBILL_TOPIC_ARN=" ")


def test_settings_survive_the_environment() -> None:
    """What the stack writes the function reads."""
    settings = HeartbeatSettings(topic_arn="arn:orders")
    assert HeartbeatSettings.from_environment(settings.to_environment()) == settings


def test_a_heartbeat_is_applied_once() -> None:
    """Its marker is all that is written, and all that is needed for a duplicate to be known."""
    assert ORDERS.canary is not None
    world = World(topic=replace(ORDERS, subscriptions=(ORDERS.canary,), canary=None))
    world.deploy("canary", canary.handler)
    world.publish(heartbeat_of(MINUTE))
    world.publish(heartbeat_of(MINUTE), resend="again")
    world.publish(heartbeat_of("2026-11-20T10:01:00Z"))
    world.run()
    assert world.outcomes("canary") == {
        f"Heartbeat-{MINUTE}": ["applied", "duplicate"],
        "Heartbeat-2026-11-20T10:01:00Z": ["applied"],
    }
    assert world.dead_letters("canary") == []


def test_nobody_else_takes_heartbeats_or_misses_them() -> None:
    """Where the canary is off, a heartbeat would be no unrouted event."""
    attributes = heartbeat_of(MINUTE).attributes
    assert ORDERS.routes(attributes) == []
    assert not ORDERS.misses("Heartbeat", attributes)
