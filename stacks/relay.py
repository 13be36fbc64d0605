"""The relay as AWS resources: its function, the mapping on the outbox's stream, the schedule of its sweeps, its alarms.

It is there whatever the rows say: a producer may write to the outbox while no consumer does.
"""

from __future__ import annotations

import json

from aws_cdk import CfnOutput, Stack

from messaging.metrics import RELAY as SERVICE
from messaging.metrics import namespace_of
from messaging.settings import RelaySettings
from stacks.alarms import RELAY_ALARMS
from stacks.bundle import Bundle
from stacks.deployment import Deployment
from stacks.errors import SynthError
from stacks.functions import Function, make_function
from stacks.metrics import Names
from stacks.permissions import TableAddress, relay_statements
from stacks.references import Part
from stacks.resources import add_resource
from stacks.schedule import schedule
from stacks.watch import Watch

# Time for a batch of records of the largest hot group, one publish after the other; it stops by itself before the end.
TIMEOUT_SECONDS = 60
BATCH_SIZE = 100
SWEEP_MINUTES = 15


class Relay(Part):
    """What carries the outbox's events to the topic."""

    def __init__(
        self,
        stack: Stack,
        *,
        topic_arn: str,
        outbox: TableAddress,
        bundle: Bundle,
        deployment: Deployment,
        watch: Watch,
    ) -> None:
        super().__init__(stack, "Relay")
        if outbox.stream_arn is None:
            raise SynthError("the outbox has no stream, which the relay reads: set `streams` of its table")
        self._stream_arn = outbox.stream_arn
        self._function = make_function(
            self,
            SERVICE,
            description="the relay of the outbox",
            handler=f"lambdas.{SERVICE}.handler",
            timeout_seconds=TIMEOUT_SECONDS,
            settings=RelaySettings(
                topic_arn=topic_arn, outbox_table=outbox.name, code_version=bundle.code_version
            ).to_environment(),
            statements=[*relay_statements(outbox, topic_arn=topic_arn)],
            bundle=bundle,
            deployment=deployment,
        )
        mapping_id = self._make_event_source_mapping()
        self._schedule_sweeps()
        self.log_group = self._function.log_group
        self.names: Names = {
            "Function": self._function.name,
            "Service": SERVICE,
            "Namespace": namespace_of(deployment.stage),
        }
        self.unwell_arn = watch.over(self, RELAY_ALARMS, service=SERVICE, names=self.names)
        _output(stack, self._function, mapping_id)

    def _make_event_source_mapping(self) -> str:
        """The mapping on the stream.

        Source: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
        """
        properties = {
            "FunctionName": self._function.name,
            "EventSourceArn": self._stream_arn,
            # From the oldest record on: nothing that was written before the mapping was there is left to the sweep.
            "StartingPosition": "TRIM_HORIZON",
            "BatchSize": BATCH_SIZE,
            # Deletions and marks are the relay's own.
            "FilterCriteria": {"Filters": [{"Pattern": json.dumps({"eventName": ["INSERT"]})}]},
            # Without it Lambda ignores the response and goes on past what was not sent.
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            # One batch of a shard at a time: with more, Lambda keeps the order of each item, and not that of the items
            # of a message group.
            # https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
            "ParallelizationFactor": 1,
            # Never given up while the stream has it; what the stream loses after 24 hours the sweep finds.
            "MaximumRetryAttempts": -1,
            "MaximumRecordAgeInSeconds": -1,
            # A batch that the function does not survive is halved, down to the record that is to blame: what was
            # written before that gets through. The halves come one after the other, so order is kept.
            "BisectBatchOnFunctionError": True,
        }
        mapping_id: str = add_resource(self, "EventSourceMapping", "AWS::Lambda::EventSourceMapping", properties).ref
        return mapping_id

    def _schedule_sweeps(self) -> None:
        # Younger items are the stream's: sending them twice would be harmless, and a waste.
        sweep = {"sweep": {"older_than_seconds": 60 * SWEEP_MINUTES}}
        schedule(
            self,
            "Sweeps",
            self._function,
            every_minutes=SWEEP_MINUTES,
            description="Has the relay send what the outbox's stream lost",
            event=sweep,
        )


def _output(stack: Stack, function: Function, mapping_id: str) -> None:
    CfnOutput(stack, "RelayFunctionName", value=function.name)
    CfnOutput(stack, "RelayLogGroupName", value=function.log_group)
    CfnOutput(stack, "RelayEventSourceMappingId", value=mapping_id)
