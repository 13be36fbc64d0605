"""The roles of the synthesized app, as a world knows what they are for: with its tables, queues and topic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from messaging.subscription import Output
from messaging.tables import TABLES
from messaging.topic import TOPIC_ARN_OUTPUT, Topic
from testing.sqs.service import ACCOUNT, REGION
from tests.lambdas.permissions.asked import Asked, table_arn
from tests.lambdas.permissions.iam import Request, Statement, decide, listed, matches
from tests.stacks.synthesized import Assembly, Json

PSEUDO = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}
# No client of ours speaks plain HTTP.
CONTEXT = {"aws:SecureTransport": "true"}
QUEUES: Mapping[Output, str] = {
    "QueueUrl": "{}",
    "DeadLetterQueueUrl": "{}-dead",
    "TopicDeadLetterQueueUrl": "{}-topic-dead",
}

# What Lambda itself does with a function's role.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
POLL_QUEUE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
# https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
POLL_STREAM = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams")
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
WRITE_LOG = ("logs:CreateLogStream", "logs:PutLogEvents")
# https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
TRACE = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")


@dataclass(frozen=True, slots=True)
class Role:
    """What one function may do, and what Lambda does in its name."""

    function: str
    statements: tuple[Statement, ...]
    of_lambda: frozenset[Asked]

    @property
    def granted(self) -> set[Asked]:
        """Each action with each resource that it is allowed on."""
        return {
            (action, resource)
            for statement in self.statements
            for action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        }


def surplus(role: Role, used: Iterable[Asked]) -> set[Asked]:
    """What the role grants and nobody used; a wildcard for actions always is. One for resources is not, where what
    it stands for is used."""
    used = [*used]
    return {
        (action, resource)
        for action, resource in role.granted
        if not any(action == did and matches(resource, on) for did, on in used)
    }


def missing(role: Role, used: Iterable[Asked]) -> set[Asked]:
    """What was used, or asked for, and the role does not grant."""
    return {asked for asked in used if not decide(role.statements, Request(*asked, CONTEXT))}


def roles(assembly: Assembly, topic: Topic) -> dict[str, Role]:
    """By the function's module."""
    world = _World(assembly, topic)
    functions = {
        logical_id: resource["Properties"]
        for logical_id, resource in assembly.consumers.body["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function"
    }
    found = [world.role(logical_id, properties) for logical_id, properties in functions.items()]
    return {role.function: role for role in found}


class _World:
    """What the templates' references are in a world."""

    def __init__(self, assembly: Assembly, topic: Topic) -> None:
        self._consumers = assembly.consumers
        self._values: dict[str, str] = {}  # by what a template says for it
        exports = [each for each in assembly.messaging.body["Outputs"].values() if "Export" in each]
        self._exports = {each["Export"]["Name"]: each["Value"] for each in exports}
        for table in TABLES:
            logical_id = assembly.messaging.logical_id(table.output_key)
            self._know({"Fn::GetAtt": [logical_id, "Arn"]}, table_arn(table.name))
            self._know({"Fn::GetAtt": [logical_id, "StreamArn"]}, f"{table_arn(table.name)}/stream/2026-11-24T00:00")
        name = f"{topic.name}.fifo"
        self._know({"Ref": assembly.messaging.logical_id(TOPIC_ARN_OUTPUT)}, f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}")
        for row in topic.subscriptions:
            for output, pattern in QUEUES.items():
                fifo = row.fifo or output == "TopicDeadLetterQueueUrl"
                queue = pattern.format(row.consumer) + (".fifo" if fifo else "")
                logical_id = assembly.consumers.logical_id(row.output_key(output))
                self._know({"Fn::GetAtt": [logical_id, "Arn"]}, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")

    def role(self, logical_id: str, properties: Json) -> Role:
        """That of a function of the consumers stack."""
        role_id, _ = properties["Role"]["Fn::GetAtt"]
        role = self._consumers.body["Resources"][role_id]["Properties"]
        assert "ManagedPolicyArns" not in role
        statements = [each for policy in role["Policies"] for each in policy["PolicyDocument"]["Statement"]]
        return Role(
            function=properties["Handler"].split(".")[1],
            statements=tuple(self.resolve(each) for each in statements),
            of_lambda=frozenset(self._of_lambda(logical_id, properties)),
        )

    def resolve(self, value: Any) -> Any:
        """A template's value without its references."""
        if isinstance(value, list):
            return [self.resolve(each) for each in value]
        if not isinstance(value, dict):
            return value
        if str(value) in self._values:
            return self._values[str(value)]
        if len(value) == 1:
            ((name, what),) = value.items()
            if name == "Fn::ImportValue":
                return self.resolve(self._exports[what])
            if name == "Fn::Join":
                return what[0].join(self.resolve(each) for each in what[1])
            if name == "Ref":
                return PSEUDO.get(what, what)
            if name == "Fn::GetAtt":  # a log group, of which a world has none
                return f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:{'/'.join(what)}"
        return {name: self.resolve(each) for name, each in value.items()}

    def _know(self, reference: Json, value: str) -> None:
        self._values[str(reference)] = value

    def _of_lambda(self, logical_id: str, properties: Json) -> Iterator[Asked]:
        for mapping in self._consumers.properties("AWS::Lambda::EventSourceMapping"):
            if mapping["FunctionName"] == {"Ref": logical_id}:
                source = self.resolve(mapping["EventSourceArn"])
                yield from ((action, source) for action in (POLL_QUEUE if ":sqs:" in source else POLL_STREAM))
        group = self.resolve({"Fn::GetAtt": [properties["LoggingConfig"]["LogGroup"]["Ref"], "Arn"]})
        yield from ((action, group) for action in WRITE_LOG)
        if properties["TracingConfig"] == {"Mode": "Active"}:
            yield from ((action, "no resource") for action in TRACE)
