"""What is wrong with a deployment, held against this checkout's topology: each finding with how to mend it.

Nothing is received from a queue, and nothing is changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cli.alarms import Alarm
from cli.depths import Depth
from cli.mappings import ENABLED
from cli.mappings import Mapping as EventSourceMapping
from cli.subscriptions import PENDING, Deployed
from messaging.metrics import RELAY
from messaging.subscription import Subscription
from messaging.tables import EXPIRATION, TABLES, Table

Level = Literal["ok", "note", "wrong"]
DEPLOY = "deploy the stacks of this checkout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. Only `wrong` ones make the deployment unhealthy."""

    level: Level
    about: str
    finding: str
    mend: str = ""


def wrong(about: str, finding: str, mend: str) -> Finding:
    """Something that loses, holds up or hides messages."""
    return Finding(level="wrong", about=about, finding=finding, mend=mend)


def note(about: str, finding: str, mend: str = "") -> Finding:
    """Something that may be meant so."""
    return Finding(level="note", about=about, finding=finding, mend=mend)


def fine(about: str, finding: str) -> Finding:
    """Something that is as it should be."""
    return Finding(level="ok", about=about, finding=finding)


def stacks(described: Iterable[tuple[str, str | None]]) -> Iterator[Finding]:
    """Stacks by name with their status; None where there is none."""
    for name, status in described:
        if status is None:
            yield wrong(name, "is not deployed here", f"{DEPLOY}, or name another --stage, --profile or --region")
        elif status.endswith("_IN_PROGRESS"):
            yield note(name, f"is being changed: {status}", "wait until that has ended, and look again")
        elif "FAILED" in status or "ROLLBACK" in status:
            yield wrong(
                name, f"its last change failed: {status}", f"`cdk deploy {name}` says why; mend that, deploy again"
            )
        else:
            yield fine(name, status)


def strange_stacks(deployed: Iterable[str], prefix: str, known: Iterable[str]) -> Iterator[Finding]:
    """Stacks of the stage that the topology no longer asks for: the CDK leaves them as they are."""
    for name in sorted({each for each in deployed if each.startswith(prefix)} - {*known}):
        finding = "is deployed, and no row of this checkout names it: its consumers go on working"
        delete = f"aws cloudformation delete-stack --stack-name {name}"
        yield note(name, finding, f"pull the newest code; where its rows are gone for good: {delete}")


def rows(
    topology: Sequence[Subscription],
    deployed: Sequence[Subscription],
    outputs: Iterable[str],
    *,
    optional: Sequence[Subscription] = (),
) -> Iterator[Finding]:
    """The checkout's rows against the consumers that are deployed; `optional` rows are missed by nobody."""
    for row in topology:
        if row in deployed:
            continue
        if "ses:SendEmail" in row.calls:
            yield note(row.consumer, "is not deployed", "where it is wanted: deploy with -c mail_from=ADDRESS")
        else:
            yield wrong(row.consumer, "is in the topology and not deployed", DEPLOY)
    known = {row.output_key("QueueUrl") for row in (*topology, *optional)}
    for key in sorted({*outputs} - known):
        if key.endswith("QueueUrl") and not key.endswith("DeadLetterQueueUrl"):
            finding = "is deployed, and this checkout's topology does not have it"
            yield note(key.removesuffix("QueueUrl"), finding, f"pull the newest code, or {DEPLOY}")


def subscription(row: Subscription, queue_arn: str, deployed: Iterable[Deployed]) -> Iterator[Finding]:
    """What the topic delivers to a queue, against the row."""
    ours = [each for each in deployed if each.endpoint == queue_arn]
    if not ours:
        yield wrong(row.consumer, "the topic has no subscription of its queue: it gets nothing", DEPLOY)
    for each in ours:
        if dict(each.policy) != row.filter_policy or each.scope != "MessageAttributes":
            has, wants = json.dumps(each.policy), json.dumps(row.filter_policy)
            yield wrong(row.consumer, f"its filter policy is {has} on {each.scope}, the topology says {wants}", DEPLOY)
        if not each.raw:
            yield wrong(row.consumer, "its messages come in SNS's envelope: every one is poison", DEPLOY)
        if each.dead_letters_to is None:
            yield wrong(row.consumer, "what the topic can't deliver to its queue is lost: no dead-letter queue", DEPLOY)
    if len(ours) > 1:
        yield wrong(
            row.consumer, f"its queue has {len(ours)} subscriptions: it gets messages twice", "delete the strange ones"
        )


def strangers(deployed: Iterable[Deployed], queue_arns: Iterable[str]) -> Iterator[Finding]:
    """Subscriptions of the topic that no row knows."""
    known = {*queue_arns}
    for each in deployed:
        if each.endpoint not in known:
            yield note(
                "topic", f"somebody else subscribes too: {each.protocol} {each.endpoint}", "fine where you know them"
            )


def queue(row: Subscription, attributes: Mapping[str, str], *, topic_arn: str) -> Iterator[Finding]:
    """A consumer's queue, by all of its attributes."""
    policy = json.loads(attributes.get("Policy") or "{}")
    if not any(_lets_in(statement, topic_arn) for statement in policy.get("Statement", [])):
        yield wrong(
            row.consumer, "its queue does not let the topic in: messages go to the topic's dead letters", DEPLOY
        )
    redrive = json.loads(attributes.get("RedrivePolicy") or "{}")
    if not redrive:
        yield wrong(row.consumer, "its queue has no dead-letter queue: what fails comes back until it expires", DEPLOY)
    elif int(redrive["maxReceiveCount"]) != row.max_receive_count:
        has = redrive["maxReceiveCount"]
        yield wrong(row.consumer, f"a message is given up after {has} receives, not {row.max_receive_count}", DEPLOY)
    if int(attributes["VisibilityTimeout"]) != row.visibility_timeout_seconds:
        has = attributes["VisibilityTimeout"]
        yield wrong(row.consumer, f"its visibility timeout is {has} s, not {row.visibility_timeout_seconds} s", DEPLOY)


def mapping(row: Subscription, described: EventSourceMapping) -> Iterator[Finding]:
    """Whether a consumer takes messages."""
    if described.state != ENABLED:
        mend = f"`waybill resume {row.consumer}`"
        yield wrong(row.consumer, f"it takes no messages: its event source mapping is {described.state}", mend)
    if not described.reports_failures:
        yield wrong(row.consumer, "Lambda ignores which records failed, and deletes them", DEPLOY)
    if described.last_result.startswith("PROBLEM"):
        # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
        yield wrong(row.consumer, f"Lambda says: {described.last_result}", f"`waybill tail {row.consumer} --since 1h`")


def relay(described: EventSourceMapping) -> Iterator[Finding]:
    """Whether the relay takes what is written to the outbox."""
    if described.state != ENABLED:
        mend = f"aws lambda update-event-source-mapping --enabled --uuid {described.uuid}"
        yield wrong(RELAY, f"follow-up events stay in the outbox: its mapping is {described.state}", mend)
    if described.last_result.startswith("PROBLEM"):
        yield wrong(RELAY, f"Lambda says: {described.last_result}", f"`waybill tail {RELAY} --since 1h`")


def letters(depth: Depth) -> Iterator[Finding]:
    """Dead letters that wait for somebody."""
    if depth.dead:
        again = f"`waybill dlq redrive {depth.consumer} --all --canary 5`"
        mend = f"`waybill dlq list {depth.consumer}` says why; mend the cause, then {again}"
        yield wrong(depth.consumer, f"{depth.dead} dead letters wait", mend)
    if depth.undelivered:
        mend = f"mend the queue's policy, then `waybill dlq redrive {depth.consumer}/topic --all`"
        yield wrong(depth.consumer, f"the topic could not deliver {depth.undelivered} messages to its queue", mend)


def expiry(describe: Callable[[Table], Mapping[str, Any]]) -> Iterator[Finding]:
    """Whether tables with markers forget them; `describe` gives a table's TimeToLiveDescription."""
    for table in TABLES:
        if not table.expires:
            continue
        described = describe(table)
        status, attribute = described.get("TimeToLiveStatus", "DISABLED"), described.get("AttributeName")
        if status not in ("ENABLED", "ENABLING") or attribute != EXPIRATION:
            yield wrong(
                table.name, f"its items never expire (time to live is {status} on {attribute}): it grows", DEPLOY
            )


def topic(attributes: Mapping[str, str]) -> Iterator[Finding]:
    """The topic itself."""
    if attributes.get("FifoTopic") != "true":
        yield wrong("topic", "it is no FIFO topic: no order, no groups, no deduplication", DEPLOY)


def alarms(found: Sequence[Alarm], prod: bool, subscribers: Callable[[str], Sequence[str]]) -> Iterator[Finding]:
    """Raised alarms, and alarms that tell nobody; `subscribers` gives the subscription ARNs of a topic."""
    raised = [alarm for alarm in found if alarm.raised]
    # A composite is raised because others are: alone it is worth a line, beside them it hides what is the matter.
    for alarm in [each for each in raised if each.kind == "metric"] or raised:
        yield wrong(alarm.name, f"is raised: {alarm.reason}", alarm.means)
    if not found:
        yield wrong("alarms", "there is none", DEPLOY)
        return
    topics = sorted({action for alarm in found for action in alarm.actions if ":sns:" in action})
    if not topics:
        yield _silent("alarms", "no alarm tells anybody", prod, DEPLOY)
    for arn in topics:
        confirmed = [each for each in subscribers(arn) if each != PENDING]
        if not confirmed:
            mend = f"aws sns subscribe --topic-arn {arn} --protocol email --notification-endpoint YOU, and confirm it"
            yield _silent(arn.rpartition(":")[2], "alarms go to a topic that nobody subscribes to", prod, mend)


def _silent(about: str, finding: str, prod: bool, mend: str) -> Finding:
    return wrong(about, finding, mend) if prod else note(about, finding, mend)


def _lets_in(statement: Mapping[str, Any], topic_arn: str) -> bool:
    """https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html"""
    if statement.get("Effect") != "Allow":
        return False
    principal = statement.get("Principal")
    service = principal.get("Service") if isinstance(principal, dict) else principal
    conditions = statement.get("Condition", {}).values()
    sources = [value for condition in conditions for key, value in condition.items() if key.lower() == "aws:sourcearn"]
    return service in ("sns.amazonaws.com", "*") and (not sources or topic_arn in sources)
