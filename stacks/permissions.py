"""Who may do what: policies as plain documents, derived from a row, on exact ARNs, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import ArnFormat, Stack

from messaging.subscription import Subscription
from messaging.tables import INBOX, OUTBOX
from stacks.deployment import Deployment
from stacks.errors import SynthError
from stacks.resources import Value

Statement = dict[str, Any]

# What Lambda's poller does with the function's role, and the visibility that the consumer itself changes.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
CONSUME = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes")
SEND = ("sqs:SendMessage",)
LOG = ("logs:CreateLogStream", "logs:PutLogEvents")

READ = ("dynamodb:BatchGetItem",)
# TransactWriteItems asks for the permission of each of its actions. A failed creation returns what was there, which is
# a read of it: the page does not say that it asks for GetItem, nor that it does not.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
CREATE = ("dynamodb:PutItem", "dynamodb:GetItem")
CHANGE = ("dynamodb:UpdateItem",)
# What is noted in the inbox of records that failed, in batches.
NOTE = ("dynamodb:BatchGetItem", "dynamodb:BatchWriteItem")
# Items that are their own markers: inserted each for itself, and read where they were there.
MARK_ITEMS = ("dynamodb:PartiQLInsert", "dynamodb:BatchGetItem")
# The last applied sequence of a message group, updated in the transaction.
MOVE_CURSOR = ("dynamodb:UpdateItem",)
# Follow-up events, put without a condition in the transaction.
EMIT = ("dynamodb:PutItem",)
# Leases of external effects are claimed and completed in PartiQL batches.
LEASE = ("dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate", "dynamodb:PartiQLDelete")

# What Lambda's poller does with the role of a function on a stream.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/iam-policy-example-lamda-process-dynamodb-streams.html
READ_STREAM = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
LIST_STREAMS = ("dynamodb:ListStreams",)
RELAY = ("dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:Scan", "dynamodb:UpdateItem")
PUBLISH = ("sns:Publish",)

# X-Ray knows no resources to restrict these to: the only wildcard there is.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
TRACE = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableAddress:
    """A table as CloudFormation will know it; `stream_arn` where it has a stream."""

    name: str
    arn: Value
    stream_arn: Value | None = None


def consumer_statements(
    row: Subscription,
    stack: Stack,
    *,
    queue_arn: Value,
    dead_letter_queue_arn: Value,
    tables: Mapping[str, TableAddress],
    deployment: Deployment,
) -> Iterator[Statement]:
    """What the function of one row may do."""
    yield allow(CONSUME, queue_arn)
    yield allow(SEND, dead_letter_queue_arn)
    for name, actions in table_actions(row).items():
        yield allow(actions, tables[name].arn)
    for call in row.calls:
        yield allow([call], *_call_resources(call)(stack, deployment))


def relay_statements(outbox: TableAddress, *, topic_arn: str) -> Iterator[Statement]:
    """What the relay's function may do. The outbox has a stream."""
    assert outbox.stream_arn is not None
    yield allow(READ_STREAM, outbox.stream_arn)
    # Asked for on any stream of the table: it is how one's ARN is found.
    yield allow(LIST_STREAMS, {"Fn::Join": ["", [outbox.arn, "/stream/*"]]})
    yield allow(RELAY, outbox.arn)
    yield allow(PUBLISH, topic_arn)


def table_actions(row: Subscription) -> dict[str, list[str]]:
    """Which DynamoDB actions a row needs on which table; every row needs the inbox."""
    actions: dict[str, set[str]] = {INBOX.name: {*NOTE, *_proof(row)}}
    if row.emits:
        actions[OUTBOX.name] = {*EMIT}
    for name in row.reads:
        actions.setdefault(name, set()).update(READ)
    for name in row.writes:
        actions.setdefault(name, set()).update(_write(row, name))
    return {name: sorted(needed) for name, needed in actions.items()}


def _proof(row: Subscription) -> Iterator[str]:
    """What proves in the inbox that an event was applied: leases of calls, or markers and cursors of writes."""
    if row.has_external_effects:
        yield from LEASE
        return
    if not _marks_itself(row):
        yield from CREATE
    if row.keeps_cursor:
        yield from MOVE_CURSOR


def _marks_itself(row: Subscription) -> bool:
    """Whether no marker of its effects is ever in the inbox."""
    items_mark = row.items_may_mark and not row.reads
    return items_mark and bool(row.writes) and all(row.writes_only.get(name) == "marks" for name in row.writes)


def _write(row: Subscription, table: str) -> Iterator[str]:
    only = row.writes_only.get(table)
    if only != "changes":
        yield from CREATE
        yield from MARK_ITEMS if row.items_may_mark else ()
    if only != "marks":
        yield from CHANGE


def policy(statements: Sequence[Statement]) -> dict[str, Any]:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": [*statements]}


def allow(actions: Sequence[str], *resources: Value | Mapping[str, Any]) -> Statement:
    """Whoever has the policy may do these actions on these resources."""
    return {"Effect": "Allow", "Action": [*actions], "Resource": [*resources]}


def assumed_by(service: str) -> dict[str, Any]:
    """The trust policy of a role that one AWS service takes on."""
    return policy([{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}])


def deny_without_tls(action: str, resource: Value) -> Statement:
    """Nobody gets in over plain HTTP."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def allow_alarms(stack: Stack, resource: Value, actions: Sequence[str] = PUBLISH) -> Statement:
    """CloudWatch may do so for this account's alarms in this region, and for nobody else's.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    ours = {"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": alarm_arn(stack, "*")}}
    return {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": _one_or_more(actions),
        "Resource": resource,
        "Condition": ours,
    }


def alarm_arn(stack: Stack, name: str) -> str:
    """The ARN of an alarm of this account and region, by its name."""
    arn: str = stack.format_arn(
        service="cloudwatch", resource="alarm", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    return arn


def allow_deliveries(topic_arn: str, resource: Value, actions: Sequence[str] = SEND) -> Statement:
    """SNS may do so for the topic, and for no other. Its ARN has its account: that is the source's account too.

    Source: https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
    """
    return {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": _one_or_more(actions),
        "Resource": resource,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }


def _one_or_more(actions: Sequence[str]) -> str | list[str]:
    return actions[0] if len(actions) == 1 else [*actions]


def _sender(stack: Stack, deployment: Deployment) -> list[str]:
    """SES authorizes the address where that is verified, else its domain; and the configuration set, where one is used.

    Source: https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html
    """
    mail_from = deployment.mail_from
    if mail_from is None:
        raise SynthError("a subscription that sends mail needs its sender: -c mail_from=orders@example.com")
    domain = mail_from.partition("@")[2]
    used = [("identity", mail_from), ("identity", domain)]
    if deployment.mail_configuration_set is not None:
        used.append(("configuration-set", deployment.mail_configuration_set))
    return [stack.format_arn(service="ses", resource=resource, resource_name=name) for resource, name in used]


# Every call that a row may name, and the ARNs that it is allowed on.
_CALLS: Mapping[str, Callable[[Stack, Deployment], list[str]]] = {"ses:SendEmail": _sender}


def _call_resources(call: str) -> Callable[[Stack, Deployment], list[str]]:
    if call not in _CALLS:
        raise SynthError(f"a row calls {call}: say in stacks/permissions.py which resources it may call it on")
    return _CALLS[call]
