"""Asks a deployment all that a diagnosis needs, part by part: what can't be asked is a finding too."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from cli import alarms, depths, diagnosis, mappings, subscriptions
from cli.diagnosis import Finding, fine, note, wrong
from cli.errors import UNREACHABLE
from cli.target import STACKS, Target
from messaging.subscription import Subscription

MIN_PYTHON = (3, 11)
_RELAY_MAPPING = "RelayEventSourceMappingId"
_DELETED = "DELETE_COMPLETE"  # is listed for 90 days more
_NEEDED = ("boto3", "msgspec", "rich", "click")


def examine(target: Target) -> Iterator[Finding]:
    """All findings, as they are made. Where nothing can be asked of AWS, or nothing is deployed, it ends early."""
    yield from machine()
    identity = _identity(target)
    yield identity
    if identity.level == "wrong":
        return
    statuses = {name: _status(target, name) for name in target.stack_names}
    yield from diagnosis.stacks(statuses.items())
    if None in [statuses[target.stack_name(each)] for each in STACKS]:
        return
    topology, optional = target.topic.subscriptions, _optional(target)
    yield from diagnosis.rows(topology, target.subscriptions, target.outputs, optional=optional)
    for part in (_stacks, _topic, _queues, _mappings, _letters, _tables, _alarms):
        yield from _asked(part.__name__.removeprefix("_"), part(target))


def machine() -> Iterator[Finding]:
    """This machine: its Python and its packages."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < MIN_PYTHON:
        yield wrong("machine", f"Python {version} is too old", "use Python 3.11 or newer")
    else:
        yield fine("machine", f"Python {version}")
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        yield wrong("machine", f"packages are missing: {', '.join(missing)}", "run python3 dev.py up")


def _asked(about: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Findings; nothing wrong is said too, and that AWS does not let us look."""
    quiet = True
    try:
        for finding in findings:
            quiet = False
            yield finding
    except ClientError as error:
        code = error.response["Error"]["Code"]
        yield note(
            about, f"could not be looked at: {error.operation_name}: {code}", "ask with credentials that may read it"
        )
        return
    except BotoCoreError as error:
        yield wrong(about, f"no answer from AWS: {error}", UNREACHABLE)
        return
    if quiet:
        yield fine(about, "as the topology says")


def _identity(target: Target) -> Finding:
    try:
        sts = target.client("sts")
        who = sts.get_caller_identity()
    except ClientError as error:
        return wrong(
            "credentials", f"AWS refuses them: {error.response['Error']['Code']}", "log in again, or --profile"
        )
    except (NoConnection, HTTPClientError) as error:
        return wrong("endpoint", f"no answer from AWS: {error}", UNREACHABLE)
    except BotoCoreError as error:
        return wrong("credentials", str(error), "`aws configure`, or --profile and --region")
    return fine("credentials", f"{who['Arn']} in {sts.meta.region_name}")


def _optional(target: Target) -> list[Subscription]:
    """The canary, where it is deployed."""
    canary = target.topic.canary
    return [canary] if canary is not None and canary.output_key("QueueUrl") in target.outputs else []


def _status(target: Target, stack: str) -> str | None:
    described = target.describe_stack(stack)
    return None if described is None else str(described["StackStatus"])


def _stacks(target: Target) -> Iterator[Finding]:
    pages = target.client("cloudformation").get_paginator("list_stacks").paginate()
    listed = [each for page in pages for each in page["StackSummaries"] if each["StackStatus"] != _DELETED]
    deployed = [each["StackName"] for each in listed if "ParentId" not in each]  # without nested ones
    yield from diagnosis.strange_stacks(deployed, target.prefix, target.stack_names)


def _topic(target: Target) -> Iterator[Finding]:
    sns = target.client("sns")
    yield from diagnosis.topic(sns.get_topic_attributes(TopicArn=target.topic_arn)["Attributes"])
    deployed = subscriptions.deployed(sns, target.topic_arn)
    arns = {
        row.consumer: _attributes(target, target.physical(row, "QueueUrl"))["QueueArn"]
        for row in (*target.subscriptions, *_optional(target))
    }
    for row in target.subscriptions:
        yield from diagnosis.subscription(row, arns[row.consumer], deployed)
    yield from diagnosis.strangers(deployed, arns.values())


def _queues(target: Target) -> Iterator[Finding]:
    for row in target.subscriptions:
        attributes = _attributes(target, target.physical(row, "QueueUrl"))
        yield from diagnosis.queue(row, attributes, topic_arn=target.topic_arn)


def _mappings(target: Target) -> Iterator[Finding]:
    client = target.client("lambda")
    for row in target.subscriptions:
        uuid = target.physical(row, "EventSourceMappingId")
        yield from diagnosis.mapping(row, mappings.describe(client, uuid))
    if _RELAY_MAPPING in target.outputs:
        yield from diagnosis.relay(mappings.describe(client, target.outputs[_RELAY_MAPPING]))


def _letters(target: Target) -> Iterator[Finding]:
    for depth in depths.count(target.client("sqs"), target.queue_places):
        yield from diagnosis.letters(depth)


def _tables(target: Target) -> Iterator[Finding]:
    dynamodb = target.client("dynamodb")
    yield from diagnosis.expiry(
        lambda table: dynamodb.describe_time_to_live(TableName=target.table(table.name))["TimeToLiveDescription"]
    )


def _alarms(target: Target) -> Iterator[Finding]:
    sns = target.client("sns")

    def subscribers(topic_arn: str) -> list[str]:
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
        return [each["SubscriptionArn"] for page in pages for each in page["Subscriptions"]]

    yield from diagnosis.alarms(alarms.alarms(target.client("cloudwatch"), target.prefix), target.prod, subscribers)


def _attributes(target: Target, queue_url: str) -> dict[str, Any]:
    found: dict[str, Any] = target.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])[
        "Attributes"
    ]
    return found
