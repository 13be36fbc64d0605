from __future__ import annotations

from typing import get_args

import pytest

from messaging.settings import Settings
from messaging.subscription import DAY_SECONDS, Output, Subscription
from messaging.topology import ORDERS
from tests.stacks.synthesized import MAIL_FROM, Assembly, export_of_table_name, export_of_topic

QUEUES: tuple[Output, ...] = ("QueueUrl", "DeadLetterQueueUrl", "TopicDeadLetterQueueUrl")


def test_every_output_of_the_topology_is_there(dev: Assembly, row: Subscription) -> None:
    """Each name that topology.Output lists is an output of the stack under the key that the row gives it."""
    outputs = dev.consumers.body["Outputs"]
    assert {row.output_key(what) for what in get_args(Output)} <= outputs.keys()


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("QueueUrl", "AWS::SQS::Queue"),
        ("DeadLetterQueueUrl", "AWS::SQS::Queue"),
        ("TopicDeadLetterQueueUrl", "AWS::SQS::Queue"),
        ("FunctionName", "AWS::Lambda::Function"),
        ("LogGroupName", "AWS::Logs::LogGroup"),
        ("EventSourceMappingId", "AWS::Lambda::EventSourceMapping"),
    ],
)
def test_an_output_names_the_resource_that_it_says(dev: Assembly, row: Subscription, what: Output, kind: str) -> None:
    """An output's value is the physical name of a resource of its kind."""
    assert dev.consumers.behind(row.output_key(what))["Type"] == kind


@pytest.mark.fault(20, 40)
def test_source_queue_follows_its_row(dev: Assembly, row: Subscription) -> None:
    """Visibility, retention and receive count come from the row, and nobody may redrive into a source queue."""
    queue = dev.consumers.behind(row.output_key("QueueUrl"))["Properties"]
    dead_letters = dev.consumers.logical_id(row.output_key("DeadLetterQueueUrl"))
    assert queue["VisibilityTimeout"] == 6 * row.timeout_seconds + row.batching_window_seconds
    assert queue["MessageRetentionPeriod"] == row.retention_seconds
    assert queue["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [dead_letters, "Arn"]},
        "maxReceiveCount": row.max_receive_count,
    }
    assert queue["RedriveAllowPolicy"] == {"redrivePermission": "denyAll"}


@pytest.mark.fault(53, 54)
def test_dead_letter_queue_has_the_type_of_its_source(dev: Assembly, row: Subscription) -> None:
    """A FIFO queue has a FIFO dead-letter queue and a standard one a standard one, kept for 14 days."""
    source = dev.consumers.behind(row.output_key("QueueUrl"))["Properties"]
    dead_letters = dev.consumers.behind(row.output_key("DeadLetterQueueUrl"))["Properties"]
    assert source.get("FifoQueue") == dead_letters.get("FifoQueue") == (True if row.fifo else None)
    assert dead_letters["MessageRetentionPeriod"] == 14 * DAY_SECONDS


def test_subscription_has_a_fifo_dead_letter_queue_of_its_own(dev: Assembly, row: Subscription) -> None:
    """What the topic can't deliver goes to a FIFO queue with 14 days that the topic may send to."""
    key = row.output_key("TopicDeadLetterQueueUrl")
    queue = dev.consumers.behind(key)["Properties"]
    arn = {"Fn::GetAtt": [dev.consumers.logical_id(key), "Arn"]}
    assert queue["FifoQueue"] is True
    assert queue["MessageRetentionPeriod"] == 14 * DAY_SECONDS
    assert dev.consumers.subscription(row)["Properties"]["RedrivePolicy"] == {"deadLetterTargetArn": arn}


@pytest.mark.parametrize("queue", QUEUES)
def test_fifo_queues_have_high_throughput(dev: Assembly, row: Subscription, queue: Output) -> None:
    """FIFO queues deduplicate and count throughput per message group; standard ones carry no FIFO property."""
    properties = dev.consumers.behind(row.output_key(queue))["Properties"]
    fifo = {
        name: properties.get(name)
        for name in ("FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit")
    }
    if row.fifo or queue == "TopicDeadLetterQueueUrl":
        assert list(fifo.values()) == [True, False, "messageGroup", "perMessageGroupId"]
    else:
        assert list(fifo.values()) == [None] * 4


@pytest.mark.fault(61)
@pytest.mark.parametrize("queue", QUEUES)
def test_queues_are_encrypted_and_refuse_plain_http(dev: Assembly, row: Subscription, queue: Output) -> None:
    """Each queue is encrypted by SQS and denies everything without TLS."""
    key = row.output_key(queue)
    assert dev.consumers.behind(key)["Properties"]["SqsManagedSseEnabled"] is True
    assert {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": {"Fn::GetAtt": [dev.consumers.logical_id(key), "Arn"]},
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    } in dev.consumers.queue_policy(key)


@pytest.mark.fault(60)
def test_only_the_topic_may_send(dev: Assembly, row: Subscription) -> None:
    """Queue policies let SNS send for this topic's ARN, and nobody else; the dead-letter queue's lets nobody."""
    allowed = {
        queue: [each for each in dev.consumers.queue_policy(row.output_key(queue)) if each["Effect"] == "Allow"]
        for queue in QUEUES
    }
    assert allowed.pop("DeadLetterQueueUrl") == []
    for queue, statements in allowed.items():
        assert statements == [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": {"Fn::GetAtt": [dev.consumers.logical_id(row.output_key(queue)), "Arn"]},
                "Condition": {"ArnEquals": {"aws:SourceArn": export_of_topic(dev)}},
            }
        ]


@pytest.mark.fault(44)
def test_subscription_filters_as_its_row_says(dev: Assembly, row: Subscription) -> None:
    """The filter policy is the row's, over attributes, and delivery is raw."""
    subscription = dev.consumers.subscription(row)["Properties"]
    assert subscription["FilterPolicy"] == row.filter_policy
    assert subscription["FilterPolicyScope"] == "MessageAttributes"
    assert subscription["RawMessageDelivery"] is True
    assert subscription["Protocol"] == "sqs"
    assert subscription["TopicArn"] == export_of_topic(dev)


def test_subscription_waits_for_the_queue_policies(dev: Assembly, row: Subscription) -> None:
    """No message is delivered before both queues accept it."""
    resources = dev.consumers.body["Resources"]
    policies = [resources[each] for each in dev.consumers.subscription(row)["DependsOn"]]
    assert [each["Type"] for each in policies] == ["AWS::SQS::QueuePolicy"] * 2
    assert {each["Properties"]["Queues"][0]["Ref"] for each in policies} == {
        dev.consumers.logical_id(row.output_key("QueueUrl")),
        dev.consumers.logical_id(row.output_key("TopicDeadLetterQueueUrl")),
    }


def test_function_runs_as_the_row_says(dev: Assembly, row: Subscription) -> None:
    """Python 3.13 on arm64, the row's handler and time-out, active tracing and a log group of its own."""
    function = dev.consumers.behind(row.output_key("FunctionName"))["Properties"]
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert function["Handler"] == f"lambdas.{row.consumer}.handler"
    assert function["Timeout"] == row.timeout_seconds
    assert function["MemorySize"] == 512
    assert function["TracingConfig"] == {"Mode": "Active"}
    log_group = dev.consumers.logical_id(row.output_key("LogGroupName"))
    assert function["LoggingConfig"] == {"LogGroup": {"Ref": log_group}}
    assert dev.consumers.body["Resources"][log_group]["Properties"]["RetentionInDays"] == 30


def test_function_can_read_its_settings(dev: Assembly, row: Subscription) -> None:
    """The environment that the stack writes is the one that Settings reads."""
    variables = dev.consumers.behind(row.output_key("FunctionName"))["Properties"]["Environment"]["Variables"]
    settings = Settings.from_environment({name: str(value) for name, value in variables.items()})
    assert settings.consumer == row.consumer
    assert settings.queue_url == str({"Ref": dev.consumers.logical_id(row.output_key("QueueUrl"))})
    assert settings.dead_letter_queue_url == str(
        {"Ref": dev.consumers.logical_id(row.output_key("DeadLetterQueueUrl"))}
    )
    assert settings.tables == {
        name: str(export_of_table_name(dev, name))
        for name in {"inbox", *row.reads, *row.writes, *(["outbox"] if row.emits else [])}
    }
    assert settings.newer_version_patience_seconds == row.newer_version_patience_seconds
    assert settings.mail_from == (MAIL_FROM if row.calls else None)


def test_function_names_itself_to_powertools(dev: Assembly, row: Subscription) -> None:
    """Logs and metrics carry the consumer's name and the namespace Waybill."""
    variables = dev.consumers.behind(row.output_key("FunctionName"))["Properties"]["Environment"]["Variables"]
    assert {name: value for name, value in variables.items() if name.startswith("POWERTOOLS_")} == {
        "POWERTOOLS_SERVICE_NAME": row.consumer,
        "POWERTOOLS_METRICS_NAMESPACE": "Waybill/dev",
        "POWERTOOLS_LOG_LEVEL": "DEBUG",
    }


def test_code_version_is_the_assets_hash(dev: Assembly, row: Subscription) -> None:
    """CODE_VERSION is the first twelve digits of the hash that names the code in S3."""
    function = dev.consumers.behind(row.output_key("FunctionName"))["Properties"]
    version = function["Environment"]["Variables"]["WAYBILL_CODE_VERSION"]
    assert len(version) == 12
    assert function["Code"]["S3Key"].startswith(version)


@pytest.mark.fault(15, 20)
def test_mapping_reports_failures_and_is_bounded(dev: Assembly, row: Subscription) -> None:
    """The mapping reports batch item failures, bounds concurrency, and gathers a batch where the queue is standard."""
    mapping = dev.consumers.behind(row.output_key("EventSourceMappingId"))["Properties"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": row.maximum_concurrency}
    assert mapping["BatchSize"] == row.batch_size
    assert mapping.get("MaximumBatchingWindowInSeconds") == (None if row.fifo else row.batching_window_seconds)
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": [dev.consumers.logical_id(row.output_key("QueueUrl")), "Arn"]}


def test_no_queue_or_function_is_left_over(dev: Assembly) -> None:
    """The stack holds what the rows ask for and the relay, and nothing beside it."""
    rows = len(ORDERS.subscriptions)
    functions = rows + 1
    for kind, count in {
        "AWS::SQS::Queue": 3 * rows,
        "AWS::SQS::QueuePolicy": 3 * rows,
        "AWS::SNS::Subscription": rows,
        "AWS::Lambda::Function": functions,
        "AWS::Lambda::EventSourceMapping": functions,
        "AWS::Logs::LogGroup": functions,
        "AWS::IAM::Role": functions,
        "AWS::Events::Rule": 1,
        "AWS::Lambda::Permission": 1,
    }.items():
        assert len(dev.consumers.resources(kind)) == count, kind
