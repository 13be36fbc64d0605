"""Where things are in a deployment: physical names and addresses by the topology's rows and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from messaging.tables import Table
from messaging.topic import TOPIC_ARN_OUTPUT, Topic
from messaging.topology import ORDERS


class DeployedEngine(Protocol):
    """What a run needs of local.deployment.Deployment."""

    @property
    def endpoint(self) -> str:
        """Where the engine listens."""
        ...

    @property
    def outputs(self) -> Mapping[str, str]:
        """All stack outputs."""
        ...

    @property
    def seconds(self) -> float:
        """How long the deployment took."""
        ...

    def client(self, service: str) -> Any:
        """A boto3 client for the engine."""
        ...


class Places:
    """Reads stack outputs by what they are."""

    def __init__(self, outputs: Mapping[str, str], topic: Topic = ORDERS) -> None:
        self._outputs = outputs
        self._topic = topic
        self.consumers: tuple[str, ...] = tuple(row.consumer for row in topic.subscriptions)

    @property
    def topic_arn(self) -> str:
        """The topic."""
        return self._outputs[TOPIC_ARN_OUTPUT]

    @property
    def queue_urls(self) -> list[str]:
        """The queue of every consumer."""
        return [self.queue_url(consumer) for consumer in self.consumers]

    @property
    def log_groups(self) -> dict[str, str]:
        """The log group of every consumer."""
        return {row.consumer: self._outputs[row.output_key("LogGroupName")] for row in self._topic.subscriptions}

    def queue_url(self, consumer: str) -> str:
        """The queue of one consumer."""
        return self._outputs[self._topic.subscription(consumer).output_key("QueueUrl")]

    def dead_letter_queue_url(self, consumer: str) -> str:
        """The dead-letter queue of one consumer."""
        return self._outputs[self._topic.subscription(consumer).output_key("DeadLetterQueueUrl")]

    def function(self, consumer: str) -> str:
        """The function of one consumer."""
        return self._outputs[self._topic.subscription(consumer).output_key("FunctionName")]

    def event_source_mapping(self, consumer: str) -> str:
        """The id of the event source mapping between a consumer's queue and its function."""
        return self._outputs[self._topic.subscription(consumer).output_key("EventSourceMappingId")]

    def table(self, table: Table) -> str:
        """The physical name of a table."""
        return self._outputs[table.output_key]
