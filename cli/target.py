"""The deployment that a command is about: an account, a region and a stage, and the physical names in it.

Profile, region and endpoint are found as the AWS CLI finds them: options, then environment, then configuration. The
local engine is a target like any other (`eval "$(python3 dev.py env)"`, or `python3 dev.py waybill ...`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cli.errors import NoCredentials, NotFound
from messaging.metrics import RELAY
from messaging.subscription import CONSUMERS_STACK, MESSAGING_STACK, Output, Subscription
from messaging.tables import TABLES_BY_NAME
from messaging.topic import TOPIC_ARN_OUTPUT, Topic
from messaging.topology import ORDERS

if TYPE_CHECKING:
    from cli.depths import Places

STAGES = ("dev", "prod")
# Those that every deployment has; the topology may name more.
STACKS = (MESSAGING_STACK, CONSUMERS_STACK)


@dataclass(frozen=True)
class Target:
    """One stage's deployment. Nothing is asked of AWS until something is needed."""

    stage: str = "dev"
    profile: str | None = None
    region: str | None = None
    topic: Topic = ORDERS

    @property
    def prod(self) -> bool:
        """Whether people depend on it: changes must be confirmed."""
        return self.stage == "prod"

    @property
    def prefix(self) -> str:
        """How the names of its stacks, and of all that CloudFormation names, begin."""
        return f"waybill-{self.stage}-"

    def stack_name(self, stack: str) -> str:
        """The name of one of its stacks, as `app.py` gives it."""
        return f"{self.prefix}{stack}"

    @property
    def stack_names(self) -> list[str]:
        """The names of all stacks that the topology asks for, those of STACKS first."""
        return [self.stack_name(stack) for stack in (MESSAGING_STACK, *self.topic.stacks)]

    def describe_stack(self, name: str) -> Mapping[str, Any] | None:
        """CloudFormation's description of a stack; None where there is none."""
        from botocore.exceptions import ClientError

        try:
            (described,) = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            return None
        found: Mapping[str, Any] = described
        return found

    @cached_property
    def _session(self) -> Any:
        import boto3
        from botocore.exceptions import ProfileNotFound

        try:
            return boto3.Session(profile_name=self.profile, region_name=self.region)
        except ProfileNotFound as error:
            raise NoCredentials(f"{error}: name one that `aws configure list-profiles` shows") from error

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    def client(self, service: str) -> Any:
        """boto3's client of a service, made once."""
        if service not in self._clients:
            from botocore.config import Config

            # A person waits: for a machine that is not there no minute.
            config = Config(retries={"mode": "standard"}, connect_timeout=5)
            self._clients[service] = self._session.client(service, config=config)
        return self._clients[service]

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The outputs of all stacks by key. Raises NotFound where one of STACKS is not deployed: without another its
        rows are not."""
        found: dict[str, str] = {}
        needed = {*map(self.stack_name, STACKS)}
        for stack in self.stack_names:
            described = self.describe_stack(stack)
            if described is None and stack in needed:
                raise NotFound(
                    f"no stack {stack} here: deploy it, or name another --stage, --profile or --region "
                    '(the local engine: eval "$(python3 dev.py env)")'
                )
            listed = [] if described is None else described.get("Outputs", [])
            found |= {output["OutputKey"]: output["OutputValue"] for output in listed}
        return found

    @property
    def topic_arn(self) -> str:
        """Where to publish."""
        return self.outputs[TOPIC_ARN_OUTPUT]

    def table(self, name: str) -> str:
        """The physical name of a table of the topology."""
        return self.outputs[TABLES_BY_NAME[name].output_key]

    @cached_property
    def tables(self) -> Mapping[str, str]:
        """The physical names of all tables by the topology's."""
        return {name: self.outputs[table.output_key] for name, table in TABLES_BY_NAME.items()}

    @cached_property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """The rows of the topology that are deployed here."""
        return tuple(row for row in self.topic.subscriptions if row.output_key("QueueUrl") in self.outputs)

    def subscription(self, consumer: str) -> Subscription:
        """The deployed row of a consumer. Raises NotFound that names those that are there."""
        for row in self.subscriptions:
            if row.consumer == consumer:
                return row
        raise NotFound(
            f"no consumer {consumer!r} here; there are: {', '.join(row.consumer for row in self.subscriptions)}"
        )

    def physical(self, row: Subscription, what: Output) -> str:
        """One physical name of a subscription."""
        return self.outputs[row.output_key(what)]

    @property
    def queue_places(self) -> list[Places]:
        """The queues of each deployed consumer."""
        from cli.depths import Places

        return [
            Places(
                consumer=row.consumer,
                queue_url=self.physical(row, "QueueUrl"),
                dead_letter_queue_url=self.physical(row, "DeadLetterQueueUrl"),
                topic_dead_letter_queue_url=self.physical(row, "TopicDeadLetterQueueUrl"),
            )
            for row in self.subscriptions
        ]

    @property
    def log_groups(self) -> Mapping[str, str]:
        """The log group of each deployed consumer, and the relay's, by its name."""
        groups = {row.consumer: self.physical(row, "LogGroupName") for row in self.subscriptions}
        return groups | ({RELAY: self.outputs[_RELAY_LOG_GROUP]} if _RELAY_LOG_GROUP in self.outputs else {})


_RELAY_LOG_GROUP = "RelayLogGroupName"
