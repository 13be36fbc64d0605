"""Publishes the canary's heartbeat, as EventBridge calls it each minute.

The composition root of that publisher: it reads the environment and makes the client, at the first invocation.
"""

from __future__ import annotations

from typing import Any

from lambdas.runtime import Context, Function, Machine
from messaging.events import heartbeat
from messaging.heartbeat import HeartbeatSettings
from messaging.publisher import Publisher
from messaging.telemetry import tell_published
from messaging.topology import ORDERS

SERVICE = "heartbeat"


class _Application:
    """The publisher, made once and kept while the function is warm."""

    def __init__(self, machine: Machine) -> None:
        settings = HeartbeatSettings.from_environment(machine.environment)
        self._logger = machine.logger(SERVICE)
        self._metrics = machine.publisher_metrics(SERVICE)
        self._publisher = Publisher(
            machine.clients.sns,
            topic=ORDERS,
            topic_arn=settings.topic_arn,
            source=f"urn:waybill:{SERVICE}",
            clock=machine.clock,
            sleep=machine.sleep,
            side_by_side=machine.side_by_side,
        )

    def run(self, event: dict[str, Any], context: Context) -> dict[str, Any]:
        """Publish the heartbeat of the schedule's minute. One that fails is not tried again later: the next one is a
        minute away, and the alarm is on the canary's silence."""
        self._logger.append_keys(function_request_id=context.aws_request_id)
        beat = heartbeat(event["time"])
        report = self._publisher.publish([beat])
        for failure in report.failed:
            extra = {"event_id": failure.event_id, "code": failure.code, "reason": failure.reason}
            self._logger.warning("not published", extra=extra)
        tell_published(report, self._metrics)
        self._logger.info("heartbeat", extra={"event_id": beat.event_id, "published": len(report.published)})
        return {"published": len(report.published)}


# Takes EventBridge's scheduled event, whose `time` is the minute.
handler = Function(lambda machine: _Application(machine).run)
