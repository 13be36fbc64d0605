from __future__ import annotations

import json
from dataclasses import replace

from lambdas.relay import METRICS, SERVICE
from messaging.events import CATALOGUE
from messaging.settings import RelaySettings
from messaging.tables import OUTBOX
from messaging.topology import ORDERS
from tests.stacks.conftest import Synthesize
from tests.stacks.synthesized import (
    RELAY_HANDLER,
    Assembly,
    Json,
    export_of_stream_arn,
    export_of_table_arn,
    export_of_table_name,
    export_of_topic,
)


def function(assembly: Assembly) -> Json:
    """The properties of the relay's function."""
    properties: Json = assembly.consumers.behind("RelayFunctionName")["Properties"]
    return properties


def test_there_is_a_relay_without_any_row(synth: Synthesize) -> None:
    """A producer may write to the outbox while nobody subscribes."""
    nobody = synth(replace(ORDERS, subscriptions=(), announced=CATALOGUE))
    assert function(nobody)["Handler"] == RELAY_HANDLER


def test_it_runs_as_the_consumers_do(dev: Assembly, prod: Assembly) -> None:
    """The same code, runtime and log retention, and a minute for a batch."""
    relay, consumer = function(dev), dev.consumers.consumer_functions()[0]
    for name in ("Runtime", "Architectures", "Code", "MemorySize", "TracingConfig"):
        assert relay[name] == consumer[name]
    assert relay["Timeout"] == 60
    for assembly, days in ((dev, 30), (prod, 180)):
        log_group = assembly.consumers.behind("RelayLogGroupName")
        assert log_group["Properties"]["RetentionInDays"] == days
        assert function(assembly)["LoggingConfig"] == {
            "LogGroup": {"Ref": assembly.consumers.logical_id("RelayLogGroupName")}
        }


def test_it_can_read_its_settings(dev: Assembly) -> None:
    """The environment that the stack writes is the one that RelaySettings reads."""
    variables = function(dev)["Environment"]["Variables"]
    assert RelaySettings.from_environment({name: str(value) for name, value in variables.items()}) == RelaySettings(
        topic_arn=str(export_of_topic(dev)),
        outbox_table=str(export_of_table_name(dev, OUTBOX.name)),
        code_version=function(dev)["Code"]["S3Key"][:12],
    )
    assert variables["POWERTOOLS_SERVICE_NAME"] == SERVICE
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "Waybill/dev"


def test_its_alarm_is_on_the_metric_that_it_writes(dev: Assembly) -> None:
    """Name and dimension are said twice, here and in the function."""
    alarm = dev.consumers.alarms(SERVICE)["Refused"]
    assert alarm["MetricName"] in METRICS
    assert alarm["Dimensions"] == [{"Name": "service", "Value": SERVICE}]


def test_it_may_do_what_it_does_and_no_more(dev: Assembly) -> None:
    """Its stream, its table, its topic, its log; a wildcard only where AWS takes nothing else."""
    allowed = {
        action: statement["Resource"]
        for statement in dev.consumers.statements_of("RelayFunctionName")
        for action in statement["Action"]
    }
    stream, table = [export_of_stream_arn(dev, OUTBOX.name)], [export_of_table_arn(dev, OUTBOX.name)]
    streams_of_table = [{"Fn::Join": ["", [table[0], "/stream/*"]]}]
    log_group = [{"Fn::GetAtt": [dev.consumers.logical_id("RelayLogGroupName"), "Arn"]}]
    anything = ["*"]
    assert allowed == {
        **dict.fromkeys(("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"), stream),
        "dynamodb:ListStreams": streams_of_table,
        **{f"dynamodb:{name}": table for name in ("BatchGetItem", "BatchWriteItem", "Scan", "UpdateItem")},
        "sns:Publish": [export_of_topic(dev)],
        **dict.fromkeys(("logs:CreateLogStream", "logs:PutLogEvents"), log_group),
        **dict.fromkeys(("xray:PutTraceSegments", "xray:PutTelemetryRecords"), anything),
    }


def test_the_mapping_keeps_order_and_gives_nothing_up(dev: Assembly) -> None:
    """From the first record on, insertions only, one batch of a shard at a time, retried while the stream has them."""
    mapping = {**dev.consumers.behind("RelayEventSourceMappingId")["Properties"]}
    (pattern,) = [json.loads(each["Pattern"]) for each in mapping.pop("FilterCriteria")["Filters"]]
    assert pattern == {"eventName": ["INSERT"]}
    assert mapping == {
        "FunctionName": {"Ref": dev.consumers.logical_id("RelayFunctionName")},
        "EventSourceArn": export_of_stream_arn(dev, OUTBOX.name),
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 100,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ParallelizationFactor": 1,
        "MaximumRetryAttempts": -1,
        "MaximumRecordAgeInSeconds": -1,
        "BisectBatchOnFunctionError": True,
    }


def test_a_schedule_has_it_sweep(dev: Assembly) -> None:
    """Every 15 minutes for what is older than that; and this rule alone may invoke it."""
    (rule,) = dev.consumers.properties("AWS::Events::Rule")
    (target,) = rule["Targets"]
    relay = dev.consumers.logical_id("RelayFunctionName")
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(15 minutes)", "ENABLED")
    assert target["Arn"] == {"Fn::GetAtt": [relay, "Arn"]}
    assert json.loads(target["Input"]) == {"sweep": {"older_than_seconds": 900}}
    (permission,) = dev.consumers.properties("AWS::Lambda::Permission")
    (rule_id,) = [name for name, each in dev.consumers.body["Resources"].items() if each["Type"] == "AWS::Events::Rule"]
    assert permission == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Ref": relay},
        "Principal": "events.amazonaws.com",
        "SourceArn": {"Fn::GetAtt": [rule_id, "Arn"]},
    }
