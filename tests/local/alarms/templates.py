"""Small templates with alarms of every kind, and what an engine calls their resources."""

from __future__ import annotations

from typing import Any

from local.alarms.names import Names

STACK, SHARED = "sample", "shared"
ACCOUNT = "000000000000"
TEMPLATES: dict[str, dict[str, Any]] = {
    SHARED: {
        "Resources": {"People": {"Type": "AWS::SNS::Topic", "Properties": {}}},
        "Outputs": {"Out": {"Value": {"Ref": "People"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}:People"}}}},
    },
    STACK: {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {}},
            "WorkDepthAlarm00AA11BB": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "Namespace": "AWS/SQS",
                    "MetricName": "ApproximateNumberOfMessagesVisible",
                    "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["Queue", "QueueName"]}}],
                    "Statistic": "Maximum",
                    "Period": 60,
                    "EvaluationPeriods": 1,
                    "Threshold": 0,
                    "ComparisonOperator": "GreaterThanThreshold",
                    "TreatMissingData": "notBreaching",
                    "AlarmActions": [{"Fn::ImportValue": "shared:People"}],
                    "OKActions": [{"Fn::ImportValue": "shared:People"}],
                },
            },
            "WorkGrowsAlarm00AA11BB": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "Metrics": [
                        {
                            "Id": "depth",
                            "ReturnData": False,
                            "MetricStat": {
                                "Metric": {
                                    "Namespace": "AWS/SQS",
                                    "MetricName": "ApproximateNumberOfMessagesVisible",
                                    "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": "Queue.QueueName"}}],
                                },
                                "Period": 300,
                                "Stat": "Minimum",
                            },
                        },
                        {"Id": "doubled", "Expression": "growth * 2"},
                        {"Id": "growth", "Expression": "DIFF(depth)", "ReturnData": False},
                    ],
                    "EvaluationPeriods": 3,
                    "DatapointsToAlarm": 2,
                    "Threshold": 4,
                    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                    "TreatMissingData": "notBreaching",
                },
            },
            "EverythingAlarm": {
                "Type": "AWS::CloudWatch::CompositeAlarm",
                "Properties": {"AlarmName": "everything", "AlarmRule": {"Fn::Sub": 'ALARM("${UnwellAlarm}") OR FALSE'}},
            },
            "UnwellAlarm": {
                "Type": "AWS::CloudWatch::CompositeAlarm",
                "Properties": {
                    "AlarmRule": {
                        "Fn::Join": [
                            "",
                            [
                                "ALARM(",
                                {"Ref": "WorkDepthAlarm00AA11BB"},
                                ') OR ALARM("',
                                {"Fn::GetAtt": ["WorkGrowsAlarm00AA11BB", "Arn"]},
                                '")',
                            ],
                        ]
                    },
                    "AlarmActions": [{"Fn::ImportValue": "shared:People"}],
                    "OKActions": [{"Fn::ImportValue": "shared:People"}],
                },
            },
        }
    },
}
TOPIC_ARN = f"arn:aws:sns:us-east-1:{ACCOUNT}:people"
PHYSICAL = {
    SHARED: {"People": TOPIC_ARN},
    STACK: {"Queue": f"http://127.0.0.1:1/{ACCOUNT}/work", "WorkDepthAlarm00AA11BB": "sample-WorkDepth-1"},
}
DEPTH, GROWS, UNWELL, EVERYTHING = (
    "sample-WorkDepth-1",
    "sample-WorkGrowsAlarm00AA11BB",
    "sample-UnwellAlarm",
    "everything",
)


def names(templates: dict[str, dict[str, Any]] | None = None) -> Names:
    return Names(templates or TEMPLATES, PHYSICAL, ACCOUNT)


def alarm_template(**properties: Any) -> dict[str, dict[str, Any]]:
    """A template with one alarm on a custom metric."""
    given = {
        "Namespace": "Mine",
        "MetricName": "Pulse",
        "Statistic": "Sum",
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        **properties,
    }
    return {STACK: {"Resources": {"Odd": {"Type": "AWS::CloudWatch::Alarm", "Properties": given}}}}
