"""Configurations that would lose, repeat, expose or hide messages do not synthesize, and the refusal says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from messaging.events import CATALOGUE
from stacks.rules import limits
from stacks.rules.verdict import RULES
from tests.stacks.rules.shop import DAY_SECONDS, Json, Shop, arn, reported, statements, without_tls
from tests.stacks.rules.table import embed
from tests.stacks.synthesized import ROOT

DOCUMENT = Path(__file__).parents[3] / "docs" / "security.md"
SOURCES = {rule.name: rule.source for rule in RULES}
REASONS = {rule.name: rule.says for rule in RULES}


@dataclass(frozen=True, slots=True)
class Unsafe:
    """What is spoiled, the one finding that it makes, where, and words of the refusal: the value and the mend."""

    name: str
    spoil: Callable[[Shop], None]
    finding: str
    at: str
    words: tuple[str, ...]


def setting(name: str, **properties: Json) -> Callable[[Shop], None]:
    """Properties of one resource, set."""

    def spoil(shop: Shop) -> None:
        shop.of[name] |= properties

    return spoil


def lacking(name: str, *properties: str) -> Callable[[Shop], None]:
    """Properties of one resource, left out; without any, the resource itself."""

    def spoil(shop: Shop) -> None:
        for each in properties:
            del shop.of[name][each]
        if not properties:
            shop.remove(name)

    return spoil


def redriving(**policy: Json) -> Callable[[Shop], None]:
    """The redrive policy of the queue, changed."""

    def spoil(shop: Shop) -> None:
        shop.of["Queue"]["RedrivePolicy"] |= policy

    return spoil


def permitting(**statement: Json) -> Callable[[Shop], None]:
    """A statement of the function's role, changed; what is None is left out."""

    def spoil(shop: Shop) -> None:
        (inline,) = shop.of["Role"]["Policies"]
        given = inline["PolicyDocument"]["Statement"][0] | statement
        inline["PolicyDocument"] = statements({key: value for key, value in given.items() if value is not None})

    return spoil


def delivering(**statement: Json) -> Callable[[Shop], None]:
    """What the topic may do to the queue, changed; what is None is left out."""

    def spoil(shop: Shop) -> None:
        denied, allowed = shop.of["QueuePolicy"]["PolicyDocument"]["Statement"]
        given = {key: value for key, value in (allowed | statement).items() if value is not None}
        shop.of["QueuePolicy"]["PolicyDocument"] = statements(denied, given)

    return spoil


def a_second_source(shop: Shop) -> None:
    """Another queue with the same dead-letter queue."""
    shop.add("Second", "AWS::SQS::Queue", **shop.of["Queue"])
    policy = statements(without_tls("sqs:*", arn("Second")))
    shop.add("SecondPolicy", "AWS::SQS::QueuePolicy", Queues=[{"Ref": "Second"}], PolicyDocument=policy)


def a_standard_dead_letter_queue(shop: Shop) -> None:
    """The dead-letter queue loses what makes it FIFO."""
    for name in ("FifoQueue", "DeduplicationScope", "FifoThroughputLimit"):
        del shop.of["DeadLetterQueue"][name]


def standard_queues_of_one_retention(shop: Shop) -> None:
    """A standard dead letter keeps its time of sending."""
    for queue in ("Queue", "DeadLetterQueue"):
        for name in ("FifoQueue", "DeduplicationScope", "FifoThroughputLimit"):
            del shop.of[queue][name]
    shop.of["DeadLetterQueue"]["MessageRetentionPeriod"] = shop.of["Queue"]["MessageRetentionPeriod"]


def a_key_that_anybody_may_use_through_sns(shop: Shop) -> None:
    """Every queue and topic has the key, and its policy has no condition."""
    for name, kind in shop.kinds.items():
        if kind in ("AWS::SQS::Queue", "AWS::SNS::Topic"):
            shop.of[name]["KmsMasterKeyId"] = arn("Key")
    sns = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "kms:Decrypt", "Resource": "*"}
    shop.add("Key", "AWS::KMS::Key", KeyPolicy=statements(sns))


def a_key_that_one_queue_lacks(shop: Shop) -> None:
    """The app has a key, and all but one use it."""
    a_key_that_anybody_may_use_through_sns(shop)
    shop.of["Key"]["KeyPolicy"] = statements()
    del shop.of["TopicDeadLetterQueue"]["KmsMasterKeyId"]


def a_topic_for_every_service(shop: Shop) -> None:
    """A service may publish for whoever asks it to."""
    events = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish"}
    shop.of["TopicPolicy"]["PolicyDocument"]["Statement"].append(events | {"Resource": {"Ref": "Topic"}})


def a_rule_that_anybody_has(shop: Shop) -> None:
    """EventBridge may invoke the function for any rule of any account."""
    invoke = {"Action": "lambda:InvokeFunction", "FunctionName": {"Ref": "Function"}}
    shop.add("Permission", "AWS::Lambda::Permission", Principal="events.amazonaws.com", **invoke)


def a_function_that_everybody_has(shop: Shop) -> None:
    """Every account may invoke it."""
    shop.add(
        "Permission",
        "AWS::Lambda::Permission",
        Action="lambda:InvokeFunction",
        FunctionName={"Ref": "Function"},
        Principal="*",
    )


def a_bucket_that_everybody_reads(shop: Shop) -> None:
    """Somebody keeps bodies that are too large for a message there."""
    shop.add("Bucket", "AWS::S3::Bucket")
    everything = {"Fn::Join": ["", [arn("Bucket"), "/*"]]}
    read = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "s3:GetObject", "Resource": everything}
    shop.add("BucketPolicy", "AWS::S3::BucketPolicy", Bucket={"Ref": "Bucket"}, PolicyDocument=statements(read))


def a_policy_of_its_own(shop: Shop) -> None:
    """A wildcard beside the role's inline policy."""
    allowed = statements(
        {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "arn:aws:dynamodb:eu-west-1:1:table/t"}
    )
    shop.add("Policy", "AWS::IAM::ManagedPolicy", PolicyDocument=allowed)


def a_stream_in_place_of_the_queue(shop: Shop) -> None:
    """The function reads a table's stream as well, and nobody watches how far behind it is."""
    stream = "arn:aws:dynamodb:eu-west-1:111122223333:table/t/stream/2026"
    responses = ["ReportBatchItemFailures"]
    shop.add(
        "Stream",
        "AWS::Lambda::EventSourceMapping",
        FunctionName={"Ref": "Function"},
        EventSourceArn=stream,
        FunctionResponseTypes=responses,
    )


EVERY_TYPE = [event.type for event in CATALOGUE]

UNSAFE = (
    Unsafe(
        "visibility timeout below six time-outs",
        setting("Queue", VisibilityTimeout=29),
        "visibility-timeout",
        "Queue",
        ("VisibilityTimeout 29 s", "set VisibilityTimeout to 30 s or more"),
    ),
    Unsafe(
        "visibility timeout left at its default",
        lambda shop: (setting("Function", Timeout=60)(shop), lacking("Queue", "VisibilityTimeout")(shop))[0],
        "visibility-timeout",
        "Queue",
        ("VisibilityTimeout 30 s", "6 x the time-out of 60 s", "set VisibilityTimeout to 360 s or more"),
    ),
    Unsafe(
        "visibility timeout that forgets the batching window",
        setting("Mapping", MaximumBatchingWindowInSeconds=5),
        "visibility-timeout",
        "Queue",
        ("the window of 5 s", "set VisibilityTimeout to 35 s or more"),
    ),
    Unsafe(
        "a queue that keeps messages for longer than their markers",
        setting("Queue", MessageRetentionPeriod=14 * DAY_SECONDS),
        "marker-lifetime",
        "Queue",
        ("a marker of ledger lives 3888000 s", "1209600 s from the queue", "set its retention_seconds"),
    ),
    Unsafe(
        "a queue without a dead-letter queue",
        lambda shop: (lacking("Queue", "RedrivePolicy")(shop), lacking("LettersAlarm")(shop))[0],
        "no-dead-letter-queue",
        "Queue",
        ("it has no RedrivePolicy", "give it a dead-letter queue of its own"),
    ),
    Unsafe(
        "a standard dead-letter queue of a FIFO queue",
        a_standard_dead_letter_queue,
        "dead-letter-type",
        "Queue",
        ("the queue is FIFO, its DeadLetterQueue is standard", "make the dead-letter queue FIFO too"),
    ),
    Unsafe(
        "a subscription without a dead-letter queue",
        lambda shop: (lacking("Subscription", "RedrivePolicy")(shop), lacking("UndeliveredAlarm")(shop))[0],
        "no-dead-letter-queue",
        "Subscription",
        ("the subscription has no RedrivePolicy", "FIFO for a FIFO topic"),
    ),
    Unsafe(
        "a standard dead-letter queue of a FIFO topic's subscription",
        lambda shop: lacking("TopicDeadLetterQueue", "FifoQueue", "DeduplicationScope", "FifoThroughputLimit")(shop),
        "dead-letter-type",
        "Subscription",
        ("the topic is FIFO, the subscription's TopicDeadLetterQueue is standard", "make the dead-letter queue FIFO"),
    ),
    Unsafe(
        "a dead-letter queue that forgets sooner than its source",
        setting("DeadLetterQueue", MessageRetentionPeriod=3 * DAY_SECONDS),
        "dead-letter-retention",
        "DeadLetterQueue",
        ("MessageRetentionPeriod 259200 s", "Queue keeps messages 345600 s", "1209600 s is the most"),
    ),
    Unsafe(
        "a standard dead-letter queue that forgets as soon as its source",
        standard_queues_of_one_retention,
        "dead-letter-retention",
        "DeadLetterQueue",
        ("MessageRetentionPeriod 345600 s", "let the dead-letter queue keep them longer"),
    ),
    Unsafe(
        "a dead-letter queue of two sources",
        a_second_source,
        "shared-dead-letter-queue",
        "DeadLetterQueue",
        ("dead-letter queue of 2 queues: Queue, Second", "a dead-letter queue of its own"),
    ),
    Unsafe(
        "a source queue that anybody may redrive to",
        lacking("Queue", "RedriveAllowPolicy"),
        "open-to-redrive",
        "Queue",
        ("redrivePermission is allowAll", "denyAll"),
    ),
    Unsafe(
        "a source queue that some may redrive to",
        setting(
            "Queue", RedriveAllowPolicy={"redrivePermission": "byQueue", "sourceQueueArns": [arn("DeadLetterQueue")]}
        ),
        "open-to-redrive",
        "Queue",
        ("redrivePermission is byQueue", "denyAll"),
    ),
    Unsafe(
        "a mapping that ignores which records failed",
        lacking("Mapping", "FunctionResponseTypes"),
        "batch-item-failures",
        "Mapping",
        ("FunctionResponseTypes is []", "ReportBatchItemFailures"),
    ),
    Unsafe(
        "a mapping that filters",
        setting("Mapping", FilterCriteria={"Filters": [{"Pattern": '{"body": {"type": ["OrderPlaced"]}}'}]}),
        "mapping-filter",
        "Mapping",
        ("FilterCriteria is", "filter where the queue subscribes"),
    ),
    Unsafe(
        "fewer receives than AWS advises",
        redriving(maxReceiveCount=3),
        "receive-count",
        "Queue",
        ("maxReceiveCount 3", "set maxReceiveCount to 360 or more"),
    ),
    Unsafe(
        "fewer receives than an outage takes",
        redriving(maxReceiveCount=100),
        "receive-count",
        "Queue",
        ("3000 s of retries", "an outage may last 10800 s", "set maxReceiveCount to 360 or more"),
    ),
    Unsafe(
        "a FIFO queue without high throughput",
        lacking("Queue", "FifoThroughputLimit"),
        "queue-throughput",
        "Queue",
        ("FifoThroughputLimit is None", "FifoThroughputLimit to perMessageGroupId"),
    ),
    Unsafe(
        "a FIFO dead-letter queue without high throughput",
        setting("DeadLetterQueue", DeduplicationScope="queue"),
        "queue-throughput",
        "DeadLetterQueue",
        ("DeduplicationScope is queue", "set DeduplicationScope to messageGroup"),
    ),
    Unsafe(
        "a FIFO topic without high throughput",
        setting("Topic", FifoThroughputScope="Topic"),
        "topic-throughput",
        "Topic",
        ("FifoThroughputScope is Topic", "set FifoThroughputScope to MessageGroup"),
    ),
    Unsafe(
        "a filter on more attributes than SNS takes",
        setting("Subscription", FilterPolicy={"type": EVERY_TYPE} | {f"attribute_{n}": ["x"] for n in range(5)}),
        "filter-policy",
        "Subscription",
        ("at most 5 names, this one has 6", "in more than one subscription"),
    ),
    Unsafe(
        "a filter with more combinations than SNS takes",
        setting("Subscription", FilterPolicy={"type": EVERY_TYPE, "priority": [str(n) for n in range(38)]}),
        "filter-policy",
        "Subscription",
        ("at most 150 combinations, this one has 152",),
    ),
    Unsafe(
        "a filter with an operator that SNS lacks",
        setting("Subscription", FilterPolicy={"type": [{"regex": "Order.*"}]}),
        "filter-policy",
        "Subscription",
        ("operator 'regex' is not supported",),
    ),
    Unsafe(
        "a filter on nested attributes",
        setting("Subscription", FilterPolicy={"order": {"type": ["OrderPlaced"]}}),
        "filter-policy",
        "Subscription",
        ("attributes are not nested",),
    ),
    Unsafe(
        "a filter for an event that does not exist",
        setting("Subscription", FilterPolicy={"type": ["OrderShipped"]}),
        "matchless-filter",
        "Subscription",
        ('"OrderShipped"', "the events are OrderCancelled, OrderPlaced, StockRefused, StockReserved"),
    ),
    Unsafe(
        "a filter for a value that an attribute never has",
        setting("Subscription", FilterPolicy={"type": ["OrderPlaced"], "priority": ["urgent"]}),
        "matchless-filter",
        "Subscription",
        ('"urgent"', "correct the names and values"),
    ),
    Unsafe(
        "a filter for an attribute that its events lack",
        setting("Subscription", FilterPolicy='{"type": ["StockReserved"], "priority": ["high"]}'),
        "matchless-filter",
        "Subscription",
        ("StockReserved",),
    ),
    Unsafe(
        "messages that SNS wraps",
        lacking("Subscription", "RawMessageDelivery"),
        "raw-delivery",
        "Subscription",
        ("RawMessageDelivery is None", "set RawMessageDelivery to true"),
    ),
    Unsafe(
        "a queue that every topic may send to",
        delivering(Condition=None),
        "source-arn",
        "QueuePolicy",
        ("sns.amazonaws.com", "may sqs:SendMessage for whoever asks it to", "aws:SourceArn"),
    ),
    Unsafe(
        "a queue whose condition lets in who names no source",
        delivering(Condition={"ArnEqualsIfExists": {"aws:SourceArn": {"Ref": "Topic"}}}),
        "source-arn",
        "QueuePolicy",
        ("for whoever asks it to",),
    ),
    Unsafe(
        "a queue whose condition takes any source",
        delivering(Condition={"ArnLike": {"aws:SourceArn": "*"}}),
        "source-arn",
        "QueuePolicy",
        ("for whoever asks it to",),
    ),
    Unsafe(
        "a queue whose condition takes a topic of any account",
        delivering(Condition={"ArnLike": {"aws:SourceArn": {"Fn::Sub": "arn:aws:sns:${AWS::Region}:*:orders"}}}),
        "source-arn",
        "QueuePolicy",
        ("for whoever asks it to",),
    ),
    Unsafe(
        "a queue that all accounts may send to",
        delivering(Principal={"AWS": ["*", "111122223333"]}, Condition=None),
        "source-arn",
        "QueuePolicy",
        ("may sqs:SendMessage for whoever asks it to",),
    ),
    Unsafe(
        "a queue that all but some may send to",
        delivering(Principal=None, NotPrincipal={"AWS": "111122223333"}, Condition=None),
        "source-arn",
        "QueuePolicy",
        ("all but some may sqs:SendMessage",),
    ),
    Unsafe(
        "a queue that every topic of the account may send to",
        delivering(Condition={"StringEquals": {"aws:SourceAccount": "111122223333"}}),
        "source-arn",
        "QueuePolicy",
        ("no condition names the source's ARN",),
    ),
    Unsafe(
        "a queue that everybody may send to",
        delivering(Principal="*", Condition=None),
        "source-arn",
        "QueuePolicy",
        ("* may sqs:SendMessage for whoever asks it to",),
    ),
    Unsafe(
        "a topic that a service may publish to for anybody",
        a_topic_for_every_service,
        "source-arn",
        "TopicPolicy",
        ("events.amazonaws.com", "may sns:Publish for whoever asks it to"),
    ),
    Unsafe(
        "a key that a service may use for anybody",
        a_key_that_anybody_may_use_through_sns,
        "source-arn",
        "Key",
        ("may kms:Decrypt for whoever asks it to",),
    ),
    Unsafe(
        "a function that any rule may invoke",
        a_rule_that_anybody_has,
        "source-arn",
        "Permission",
        ("events.amazonaws.com may invoke the function", "set SourceArn"),
    ),
    Unsafe(
        "a function that every account may invoke",
        a_function_that_everybody_has,
        "open-function",
        "Permission",
        ("Principal is *: every account", "set Principal to the account or the service"),
    ),
    Unsafe(
        "a function with an open URL",
        lambda shop: shop.add("Url", "AWS::Lambda::Url", AuthType="NONE", TargetFunctionArn=arn("Function")),
        "open-function",
        "Url",
        ("AuthType is NONE", "set AuthType to AWS_IAM"),
    ),
    Unsafe(
        "a bucket that everybody reads",
        a_bucket_that_everybody_reads,
        "source-arn",
        "BucketPolicy",
        ("may s3:GetObject for whoever asks it to",),
    ),
    Unsafe(
        "a queue in plaintext",
        setting("Queue", SqsManagedSseEnabled=False),
        "plaintext",
        "Queue",
        ("SqsManagedSseEnabled is False", "set SqsManagedSseEnabled to true"),
    ),
    Unsafe(
        "a queue that the app's key does not encrypt",
        a_key_that_one_queue_lacks,
        "outside-the-key",
        "TopicDeadLetterQueue",
        ("the app has the key Key", "set KmsMasterKeyId to the key's ARN"),
    ),
    Unsafe(
        "a queue over plain HTTP",
        setting("DeadLetterQueuePolicy", PolicyDocument=statements()),
        "plain-http",
        "DeadLetterQueue",
        ("no policy denies access without TLS", "aws:SecureTransport is false"),
    ),
    Unsafe(
        "a topic over plain HTTP",
        lacking("TopicPolicy"),
        "plain-http",
        "Topic",
        ("no policy denies access without TLS", "AWS::SNS::TopicPolicy"),
    ),
    Unsafe(
        "events to a URL without TLS",
        lambda shop: shop.add(
            "Web",
            "AWS::SNS::Subscription",
            TopicArn={"Ref": "Topic"},
            Protocol="http",
            Endpoint="http://shop.example.com",
        ),
        "plain-http",
        "Web",
        ("Protocol is http", "set Protocol to https"),
    ),
    Unsafe(
        "every action of a service",
        permitting(Action=["sqs:*"]),
        "iam-wildcard[sqs:*]",
        "Role",
        ("allows sqs:*", "name the actions that the code uses"),
    ),
    Unsafe(
        "an action on every resource",
        permitting(Resource="*"),
        "iam-wildcard[sqs:ReceiveMessage]",
        "Role",
        ("allows sqs:ReceiveMessage on *", "the ARNs that it uses them on"),
    ),
    Unsafe(
        "an action on every queue of a name's beginning",
        permitting(Resource={"Fn::Sub": "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:shop-*"}),
        "iam-wildcard[sqs:ReceiveMessage]",
        "Role",
        ("shop-*",),
    ),
    Unsafe(
        "an action on every queue whose name has one letter more",
        permitting(Resource="arn:aws:sqs:eu-west-1:111122223333:shop-?"),
        "iam-wildcard[sqs:ReceiveMessage]",
        "Role",
        ("shop-?",),
    ),
    Unsafe(
        "every action but some",
        permitting(Action=None, NotAction=["sqs:DeleteQueue"]),
        "iam-wildcard[NotAction]",
        "Role",
        ("NotAction allows all but",),
    ),
    Unsafe(
        "a wildcard in a policy beside the role",
        a_policy_of_its_own,
        "iam-wildcard[dynamodb:*]",
        "Policy",
        ("allows dynamodb:*",),
    ),
    Unsafe(
        "a policy of AWS's, which allows it everywhere",
        setting("Role", ManagedPolicyArns=["arn:aws:iam::aws:policy/AmazonSQSFullAccess"]),
        "iam-wildcard[AmazonSQSFullAccess]",
        "Role",
        ("AmazonSQSFullAccess is AWS's own policy",),
    ),
    Unsafe(
        "a role that everybody may take",
        setting(
            "Role",
            AssumeRolePolicyDocument=statements({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}),
        ),
        "iam-wildcard[trust]",
        "Role",
        ("everybody may take the role",),
    ),
    Unsafe(
        "an alarm that leaves missing data to chance",
        lacking("AgeAlarm", "TreatMissingData"),
        "missing-data",
        "AgeAlarm",
        ("there is no TreatMissingData", "set it to notBreaching"),
    ),
    Unsafe(
        "a consumer that may stand still unseen",
        lacking("AgeAlarm"),
        "consumer-alarm[ApproximateAgeOfOldestMessage]",
        "Function",
        ("no alarm reads ApproximateAgeOfOldestMessage of Queue", "add an alarm"),
    ),
    Unsafe(
        "a consumer that may fail unseen",
        lacking("ErrorsAlarm"),
        "consumer-alarm[Errors]",
        "Function",
        ("no alarm reads Errors of Function",),
    ),
    Unsafe(
        "a consumer that may give up messages unseen",
        lacking("LettersAlarm"),
        "consumer-alarm[ApproximateNumberOfMessagesVisible]",
        "Function",
        ("no alarm reads ApproximateNumberOfMessagesVisible of DeadLetterQueue",),
    ),
    Unsafe(
        "a topic that may give up messages unseen",
        lacking("UndeliveredAlarm"),
        "consumer-alarm[ApproximateNumberOfMessagesVisible]",
        "Subscription",
        ("no alarm reads ApproximateNumberOfMessagesVisible of TopicDeadLetterQueue",),
    ),
    Unsafe(
        "a reader of a stream that may fall behind unseen",
        a_stream_in_place_of_the_queue,
        "consumer-alarm[IteratorAge]",
        "Function",
        ("no alarm reads IteratorAge of Function",),
    ),
    Unsafe(
        "a table with a replica in another region",
        lambda shop: shop.add(
            "Orders",
            "AWS::DynamoDB::GlobalTable",
            Replicas=[{"Region": "eu-west-1"}, {"Region": {"Ref": "AWS::Region"}}],
        ),
        "replicated-table",
        "Orders",
        ("2 replicas: eu-west-1, ${AWS::Region}", "a deployment of its own"),
    ),
)


@pytest.mark.fault(15, 28, 44, 53, 54, 57, 58, 60, 61, 62)
@pytest.mark.parametrize("unsafe", UNSAFE, ids=lambda unsafe: unsafe.name)
def test_an_unsafe_configuration_is_refused(unsafe: Unsafe, tmp_path: Path) -> None:
    """The refusal names the construct, the value, the rule with AWS's page, and the mend; nothing else is found."""
    shop = Shop()
    unsafe.spoil(shop)
    with pytest.raises(RuntimeError) as refused:
        shop.synthesize(tmp_path)
    report = reported(tmp_path)
    assert report.findings == [(unsafe.finding, f"S/{unsafe.at}")]
    said = str(refused.value)
    rule = unsafe.finding.partition("[")[0]
    for word in (f"S/{unsafe.at}", REASONS[rule], SOURCES[rule], "Suggested fix: ", *unsafe.words):
        assert word in said


def test_a_safe_shop_synthesizes(tmp_path: Path) -> None:
    """What each of those tests spoils breaks no rule before."""
    assert Shop().synthesize(tmp_path).findings == []


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}},
        {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/publisher"}},
    ],
    ids=["an organization", "a role"],
)
def test_who_is_named_by_a_condition_is_not_everybody(condition: Json, tmp_path: Path) -> None:
    """The ways in which AWS has a policy name many."""
    shop = Shop()
    publish = {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": {"Ref": "Topic"}}
    shop.of["TopicPolicy"]["PolicyDocument"]["Statement"].append(publish | {"Condition": condition})
    assert shop.synthesize(tmp_path).findings == []


def test_every_rule_has_a_configuration_that_breaks_it() -> None:
    """A rule that nothing breaks may be one that never speaks; test_rows.py and test_limits.py have the others."""
    on_rows = {"strict-order", "unrouted-event", "message-attributes"}
    of_limits = {rule.name for rule in limits.RULES}
    assert {unsafe.finding.partition("[")[0] for unsafe in UNSAFE} | on_rows | of_limits == SOURCES.keys()


def test_the_readme_counts_the_rules() -> None:
    """As many as there are."""
    assert f" {len(SOURCES)} rules in all." in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_rule_cites_aws() -> None:
    """A rule without AWS's own word would be taste."""
    assert {source for source in SOURCES.values() if not source.startswith("https://docs.aws.amazon.com/")} == set()


def test_the_document_lists_every_rule() -> None:
    """Stale? Run: .venv/bin/python -m tests.stacks.rules.table docs/security.md"""
    text = DOCUMENT.read_text(encoding="utf-8")
    assert embed(text) == text
    with pytest.raises(ValueError, match="lacks the lines"):
        embed("# Security")
