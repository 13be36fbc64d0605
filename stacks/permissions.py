"""What one consumer's function may do: derived from its row, on exact ARNs, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs

from messaging.topology import INBOX, Subscription
from stacks.errors import SynthError

# What Lambda's poller does with the function's role, and the visibility that the consumer itself changes.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
CONSUME = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes")
DEAD_LETTER = ("sqs:SendMessage",)
LOG = ("logs:CreateLogStream", "logs:PutLogEvents")

READ = ("dynamodb:GetItem", "dynamodb:BatchGetItem")
# TransactWriteItems asks for the permission of each of its actions; GetItem lets a failed condition return the old item.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
WRITE = (
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:GetItem",
)
MARK = (
    "dynamodb:GetItem",
    "dynamodb:BatchGetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:ConditionCheckItem",
)
# Leases of external effects are claimed and completed in PartiQL batches.
LEASE = ("dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate", "dynamodb:PartiQLDelete", "dynamodb:PartiQLSelect")


def consumer_permissions(
    row: Subscription,
    *,
    queue: sqs.IQueue,
    dead_letter_queue: sqs.IQueue,
    log_group: logs.ILogGroup,
    tables: Mapping[str, dynamodb.Table],
    mail_from: str | None,
) -> Iterator[iam.PolicyStatement]:
    """The statements of one function's role, but for X-Ray's, which CDK adds with active tracing."""
    yield _allow(CONSUME, queue.queue_arn)
    yield _allow(DEAD_LETTER, dead_letter_queue.queue_arn)
    yield _allow(LOG, log_group.log_group_arn)
    for name, actions in table_actions(row).items():
        yield _allow(actions, tables[name].table_arn)
    for call in row.calls:
        yield _allow([call], *_call_resources(call)(Stack.of(queue), mail_from))


def table_actions(row: Subscription) -> dict[str, list[str]]:
    """Which DynamoDB actions a row needs on which table; every row needs the inbox."""
    actions: dict[str, set[str]] = {INBOX.name: {*MARK, *(LEASE if row.calls else ())}}
    for names, needed in ((row.reads, READ), (row.writes, WRITE)):
        for name in names:
            actions.setdefault(name, set()).update(needed)
    return {name: sorted(needed) for name, needed in actions.items()}


def _allow(actions: Sequence[str], *resources: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=[*actions], resources=[*resources])


def _sender_identities(stack: Stack, mail_from: str | None) -> list[str]:
    """SES authorizes the address if that is verified, or else its domain.

    Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html
    """
    if mail_from is None:
        raise SynthError("a subscription that sends mail needs its sender: -c mail_from=orders@example.com")
    domain = mail_from.partition("@")[2]
    return [
        stack.format_arn(service="ses", resource="identity", resource_name=identity) for identity in (mail_from, domain)
    ]


# Every call that a row may name, and the ARNs that it is allowed on.
_CALLS: Mapping[str, Callable[[Stack, str | None], list[str]]] = {"ses:SendEmail": _sender_identities}


def _call_resources(call: str) -> Callable[[Stack, str | None], list[str]]:
    if call not in _CALLS:
        raise SynthError(f"a row calls {call}: say in stacks/permissions.py which resources it may call it on")
    return _CALLS[call]
