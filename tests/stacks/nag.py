"""cdk-nag on the synthesized templates: what it finds, and each finding that is excused, with the reason.

Its rules know the CDK's typed resources alone, and ours are plain ones, of which it would find nothing, whatever is
wrong. So it judges the templates, included into an app of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import App, Stack
from aws_cdk.cloudformation_include import CfnInclude
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from messaging.topology import ORDERS
from tests.stacks.synthesized import Assembly

Json = Any
Finding = tuple[str, str]  # the rule's name, and the construct's path in the stack that it begins with

CANARY = "Canary"
HEARTBEATS = "Heartbeats"
RELAY = "Relay"

# The table's export, as a statement of another stack refers to it: its hash is no test's business.
_EXPORTED = re.compile(r"Resource::[\w-]+:ExportsOutputFnGetAtt(?P<name>\w+?)Arn[0-9A-F]{8}")


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why a rule does not hold, at each of some constructs and nowhere else."""

    rule: str
    at: Callable[[Parts], Sequence[str]]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a deployment has: the constructs of its consumers, and of its functions on a schedule."""

    consumers: Sequence[str]
    scheduled: Mapping[str, str]  # the schedule of each
    mailed: bool = False

    @classmethod
    def of(cls, *, canary: bool = False, mailed: bool = False) -> Parts:
        """Every consumer, the relay, and the canary where it is."""
        consumers = [row.construct_id for row in ORDERS.subscriptions] + ([CANARY] if canary else [])
        scheduled = {RELAY: "Sweeps"} | ({HEARTBEATS: "EachMinute"} if canary else {})
        return cls(consumers=consumers, scheduled=scheduled, mailed=mailed)

    def of_consumers(self, *names: str) -> list[str]:
        """Paths below each consumer."""
        return [f"consumers/{consumer}/{name}" for consumer in self.consumers for name in names]

    def of_functions(self, name: str) -> list[str]:
        """Paths below whatever has a function."""
        return [f"consumers/{construct}/{name}" for construct in (*self.consumers, *self.scheduled)]


_XRAY = "X-Ray knows no resources to restrict it to, and nothing else of the role is allowed on `*`"
_RUNTIME = "layer and benchmarks are of Python 3.13, which AWS supports until 2029; a newer runtime is a change of both"

EXCUSES = (
    Excuse(
        "AwsSolutions-SQS3",
        lambda parts: parts.of_consumers("TopicDeadLetterQueue"),
        "it is the dead-letter queue of an SNS subscription, and the rule knows those of queues and functions alone",
    ),
    Excuse(
        "Serverless-SQSRedrivePolicy",
        lambda parts: parts.of_consumers("DeadLetterQueue", "TopicDeadLetterQueue"),
        "in a dead-letter queue messages stay until somebody has looked at them",
    ),
    Excuse("AwsSolutions-IAM5[Resource::*]", lambda parts: parts.of_functions("Role"), _XRAY),
    Excuse(
        "Serverless-LambdaStarPermissions",
        lambda parts: parts.of_functions("Role"),
        f"{_XRAY}; the relay's role lists the streams of one table",
    ),
    Excuse(
        "AwsSolutions-IAM5[Resource::OutboxTable/stream/*]",
        lambda parts: [f"consumers/{RELAY}/Role"],
        "AWS names a stream by the time at which it is made; these are the streams of one table",
    ),
    Excuse("AwsSolutions-L1", lambda parts: parts.of_functions("Function"), _RUNTIME),
    Excuse("Serverless-LambdaLatestVersion", lambda parts: parts.of_functions("Function"), _RUNTIME),
    Excuse(
        "Serverless-LambdaDLQ",
        lambda parts: parts.of_consumers("Function"),
        "its mapping invokes it synchronously, for which Lambda uses no such queue: the source queue has one",
    ),
    Excuse(
        "Serverless-LambdaDLQ",
        lambda parts: [f"consumers/{construct}/Function" for construct in parts.scheduled],
        "what its schedule sends says nothing, and is sent again soon; its alarms tell that it fails",
    ),
    Excuse(
        "Serverless-LambdaEventSourceMappingDestination",
        lambda parts: parts.of_consumers("EventSourceMapping"),
        "a mapping on SQS takes no destination: the queue has its dead-letter queue",
    ),
    Excuse(
        "Serverless-LambdaEventSourceMappingDestination",
        lambda parts: [f"consumers/{RELAY}/EventSourceMapping"],
        "it gives nothing up: records are tried while the stream has them, and then the sweep finds their items",
    ),
    Excuse(
        "Serverless-EventBusDLQ",
        lambda parts: [f"consumers/{construct}/{schedule}" for construct, schedule in parts.scheduled.items()],
        "what it sends says nothing, and is sent again soon",
    ),
    Excuse(
        "Serverless-SNSRedrivePolicy",
        lambda parts: ["messaging/AlarmMail"] if parts.mailed else [],
        "an alarm stays red whether its mail arrives or not",
    ),
)


def excused(parts: Parts) -> list[Finding]:
    """Every finding that has its excuse in such a deployment, once for each of its excuses."""
    return [(excuse.rule, path) for excuse in EXCUSES for path in excuse.at(parts)]


def findings(templates: Mapping[str, Json], assembly: Assembly, folder: Path) -> Iterator[Finding]:
    """What the packs AwsSolutions and Serverless find in templates by file name, errors and warnings; unexcused.

    `assembly` knows the construct of each logical id, `folder` takes the templates.
    """
    app = App(outdir=str(folder / "out"), analytics_reporting=False)
    for name, body in templates.items():
        path = folder / name
        path.write_text(json.dumps(body))
        CfnInclude(Stack(app, name.partition(".")[0]), "T", template_file=str(path))
    paths = _paths(assembly)
    for pack in (AwsSolutionsChecks(), ServerlessChecks()):
        for violation in pack.validate_scope(app).violations:
            rule = _EXPORTED.sub(r"Resource::\g<name>", violation.rule_name)
            for resource in violation.violating_resources:
                stack, _, logical_id = resource.construct_path.split("/")
                yield rule, paths[stack, logical_id]


def templates_of(assembly: Assembly) -> dict[str, Json]:
    """The templates by file name."""
    return {path.name: json.loads(path.read_text()) for path in sorted(assembly.folder.glob("*.template.json"))}


def _paths(assembly: Assembly) -> dict[tuple[str, str], str]:
    """The construct of each stack and logical id, as `consumers/Inventory/Queue`."""
    paths = {}
    for file in assembly.folder.glob("*.metadata.json"):
        stack = file.name.partition(".")[0]
        for construct, entries in json.loads(file.read_text()).items():
            for entry in entries:
                if entry["type"] == "aws:cdk:logicalId":
                    within = construct.removeprefix(f"/{stack}/")
                    paths[stack, entry["data"]] = f"{stack.rpartition('-')[2]}/{within}"
    return paths
