"""Rules on who could read messages: on disk, and on their way.

Tables are no matter of a rule: DynamoDB encrypts each of them, and nobody can turn that off.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/EncryptionAtRest.html
"""

from __future__ import annotations

from collections.abc import Iterator

from stacks.rules.blueprint import QUEUE, SUBSCRIPTION, TOPIC, Blueprint, is_true, listed
from stacks.rules.rule import Breach, Rule

_POLICIES = {QUEUE: ("AWS::SQS::QueuePolicy", "Queues"), TOPIC: ("AWS::SNS::TopicPolicy", "Topics")}


def _plaintext_queues(blueprint: Blueprint) -> Iterator[Breach]:
    for queue in blueprint.of(QUEUE):
        # Encrypted by default: only one that says no is not.
        managed = queue.properties.get("SqsManagedSseEnabled", True)
        if not is_true(managed) and "KmsMasterKeyId" not in queue.properties:
            yield Breach(
                resource=queue,
                location="Properties.SqsManagedSseEnabled",
                value=f"SqsManagedSseEnabled is {managed}, and there is no KmsMasterKeyId",
                mend="set SqsManagedSseEnabled to true, which costs nothing, or name a key",
            )


def _outside_the_key(blueprint: Blueprint) -> Iterator[Breach]:
    keys = blueprint.of("AWS::KMS::Key")
    for resource in blueprint.of(QUEUE, TOPIC):
        if keys and "KmsMasterKeyId" not in resource.properties:
            yield Breach(
                resource=resource,
                location="Properties.KmsMasterKeyId",
                value=f"the app has the key {keys[0].logical_id}, and this has no KmsMasterKeyId",
                mend="set KmsMasterKeyId to the key's ARN",
            )


def _plain_http(blueprint: Blueprint) -> Iterator[Breach]:
    yield from _plain_deliveries(blueprint)
    for kind, (policy_kind, on) in _POLICIES.items():
        secured = {
            blueprint.behind(target, kind, seen_from=policy)
            for policy in blueprint.of(policy_kind)
            if any(map(_denies_plain_http, listed(policy.properties.get("PolicyDocument", {}).get("Statement"))))
            for target in listed(policy.properties.get(on))
        }
        for resource in blueprint.of(kind):
            if resource not in secured:
                yield Breach(
                    resource=resource,
                    location="Properties",
                    value="no policy denies access without TLS",
                    mend=f"add an {policy_kind} that denies everybody where aws:SecureTransport is false",
                )


def _plain_deliveries(blueprint: Blueprint) -> Iterator[Breach]:
    for subscription in blueprint.of(SUBSCRIPTION):
        if subscription.properties.get("Protocol") == "http":
            yield Breach(
                resource=subscription,
                location="Properties.Protocol",
                value="Protocol is http",
                mend="set Protocol to https, and the endpoint likewise",
            )


def _denies_plain_http(statement: dict[str, object]) -> bool:
    match statement:
        case {"Effect": "Deny", "Principal": "*" | {"AWS": "*"}, "Condition": {"Bool": {"aws:SecureTransport": value}}}:
            return value in (False, "false", ["false"])
    return False


RULES = (
    Rule(
        name="plaintext",
        says="messages must be encrypted where they are stored",
        source="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
        "sqs-server-side-encryption.html",
        judge=_plaintext_queues,
    ),
    Rule(
        name="outside-the-key",
        says="who asks for a key of one's own means every message",
        source="https://docs.aws.amazon.com/sns/latest/dg/sns-enable-encryption-for-topic-sqs-queue-subscriptions.html",
        judge=_outside_the_key,
    ),
    Rule(
        name="plain-http",
        says="messages must be encrypted on their way",
        source="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
        "sqs-security-best-practices.html",
        judge=_plain_http,
    ),
)
