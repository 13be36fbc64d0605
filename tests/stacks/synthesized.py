"""A synthesized app as tests read it: resources are found by outputs and references, never by their hashed ids."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import App

from app import wire
from messaging.subscription import Output, Subscription
from messaging.tables import TABLES_BY_NAME
from messaging.topic import TOPIC_ARN_OUTPUT, Topic
from messaging.topology import ORDERS
from stacks.alarms import CANARY_ALARMS, RELAY_ALARMS, SUBSCRIPTION_ALARMS, TOPIC_ALARMS
from stacks.messaging_stack import ALARM_TOPIC_ARN_OUTPUT

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
MAIL_FROM = "orders@shop.example.com"
RELAY_HANDLER = "lambdas.relay.handler"
RULES = {rule.means: rule.name for rule in (*SUBSCRIPTION_ALARMS, *TOPIC_ALARMS, *RELAY_ALARMS, *CANARY_ALARMS)}


@dataclass(frozen=True, slots=True)
class Template:
    """One stack's template."""

    text: str
    body: Json

    def resources(self, kind: str) -> list[Json]:
        """Every resource of one type, whole."""
        return [resource for resource in self.body["Resources"].values() if resource["Type"] == kind]

    def properties(self, kind: str) -> list[Json]:
        """The properties of every resource of one type."""
        return [resource["Properties"] for resource in self.resources(kind)]

    def value_of(self, reference: Json) -> Json:
        """The resource that a `Ref` or a `Fn::GetAtt` names."""
        (name,) = reference.values()
        resource: Json = self.body["Resources"][name if isinstance(name, str) else name[0]]
        return resource

    def behind(self, output_key: str) -> Json:
        """The resource that an output names."""
        resource: Json = self.body["Resources"][self.logical_id(output_key)]
        return resource

    def logical_id(self, output_key: str) -> str:
        """What an output refers to."""
        logical_id: str = self.body["Outputs"][output_key]["Value"]["Ref"]
        return logical_id

    def queue_policy(self, output_key: str) -> list[Json]:
        """The statements of the policy of the queue that an output names."""
        queues = [{"Ref": self.logical_id(output_key)}]
        (policy,) = [policy for policy in self.properties("AWS::SQS::QueuePolicy") if policy["Queues"] == queues]
        statements: list[Json] = policy["PolicyDocument"]["Statement"]
        return statements

    def subscription(self, row: Subscription) -> Json:
        """The SNS subscription of a row's queue, whole."""
        endpoint = {"Fn::GetAtt": [self.logical_id(row.output_key("QueueUrl")), "Arn"]}
        (subscription,) = [
            each for each in self.resources("AWS::SNS::Subscription") if each["Properties"]["Endpoint"] == endpoint
        ]
        return subscription

    def role_statements(self, row: Subscription) -> list[Json]:
        """What the function of a row may do."""
        return self.statements_of(row.output_key("FunctionName"))

    def statements_of(self, output_key: str) -> list[Json]:
        """What the function that an output names may do."""
        role_id, _ = self.behind(output_key)["Properties"]["Role"]["Fn::GetAtt"]
        role = self.body["Resources"][role_id]["Properties"]
        assert "ManagedPolicyArns" not in role
        return [each for policy in role["Policies"] for each in policy["PolicyDocument"]["Statement"]]

    def consumer_functions(self) -> list[Json]:
        """The properties of every function but the relay's, which is there whatever the rows say. Without a canary."""
        functions = self.properties("AWS::Lambda::Function")
        consumers = [each for each in functions if each["Handler"] != RELAY_HANDLER]
        assert len(consumers) == len(functions) - 1
        return consumers

    def composite(self, service: str) -> Json:
        """The properties of the alarm that says that a service is unwell."""
        composites = self.properties("AWS::CloudWatch::CompositeAlarm")
        (composite,) = [each for each in composites if each["AlarmDescription"].startswith(f"{service} is unwell")]
        return composite

    def alarms(self, service: str) -> dict[str, Json]:
        """The properties of the alarms in a service's composite, by the name of the rule whose words they say."""
        words = self.composite(service)["AlarmRule"]["Fn::Join"][1]
        alarms = [self.value_of(word)["Properties"] for word in words if isinstance(word, dict)]
        named = {RULES[alarm["AlarmDescription"].removeprefix(f"{service}: ")]: alarm for alarm in alarms}
        assert len(named) == len(alarms)
        return named

    def names(self, row: Subscription) -> Json:
        """The physical names of what a row's metrics are of, as the template says them."""

        def queue(what: Output) -> Json:
            return {"Fn::GetAtt": [self.logical_id(row.output_key(what)), "QueueName"]}

        return {
            "Queue": queue("QueueUrl"),
            "DeadLetterQueue": queue("DeadLetterQueueUrl"),
            "TopicDeadLetterQueue": queue("TopicDeadLetterQueueUrl"),
            "Function": {"Ref": self.logical_id(row.output_key("FunctionName"))},
            "Service": row.consumer,
        }


@dataclass(frozen=True, slots=True)
class Assembly:
    """Both templates, and the folder that `cdk deploy` would read."""

    folder: Path
    stage: str
    messaging: Template
    consumers: Template

    @property
    def manifest(self) -> Json:
        """The cloud assembly's own table of contents."""
        manifest: Json = json.loads((self.folder / "manifest.json").read_text())
        return manifest

    def stack_properties(self, stack: str) -> Json:
        """What the manifest says of one stack."""
        properties: Json = self.manifest["artifacts"][f"waybill-{self.stage}-{stack}"]["properties"]
        return properties

    def messages(self, stack: str) -> list[str]:
        """Warnings and errors that the synth attached to one stack."""
        name = f"waybill-{self.stage}-{stack}"
        metadata: Json = json.loads((self.folder / f"{name}.metadata.json").read_text())
        return [
            entry["data"]
            for entries in metadata.values()
            for entry in entries
            if entry["type"] in ("aws:cdk:warning", "aws:cdk:error")
        ]


def synthesize(folder: Path, topic: Topic = ORDERS, **options: str) -> Assembly:
    """The app as `cdk synth` makes it with these options, in this process."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"] | {"layer": "off"} | options
    app = App(outdir=str(folder), context=context, analytics_reporting=False)
    wire(app, topic)
    app.synth()
    stage = options.get("stage", "dev")
    return Assembly(
        folder=folder,
        stage=stage,
        messaging=read_template(folder / f"waybill-{stage}-messaging.template.json"),
        consumers=read_template(folder / f"waybill-{stage}-consumers.template.json"),
    )


def read_template(path: Path) -> Template:
    """A template as it stands on disk."""
    text = path.read_text()
    return Template(text, json.loads(text))


def imported(value: Any) -> Iterator[str]:
    """Every export that a template, or a part of one, imports."""
    if isinstance(value, dict):
        if "Fn::ImportValue" in value:
            yield value["Fn::ImportValue"]
        for each in value.values():
            yield from imported(each)
    elif isinstance(value, list):
        for each in value:
            yield from imported(each)


def export_of_topic(assembly: Assembly) -> Json:
    """The topic's ARN as the consumers stack says it."""
    return _import(assembly, {"Ref": assembly.messaging.logical_id(TOPIC_ARN_OUTPUT)})


def export_of_alarm_topic(assembly: Assembly) -> Json:
    """The alarm topic's ARN as the consumers stack says it."""
    return _import(assembly, {"Ref": assembly.messaging.logical_id(ALARM_TOPIC_ARN_OUTPUT)})


def export_of_topic_name(assembly: Assembly) -> Json:
    """The topic's name as the consumers stack says it."""
    topic = assembly.messaging.logical_id(TOPIC_ARN_OUTPUT)
    return _import(assembly, {"Fn::GetAtt": [topic, "TopicName"]})


def export_of_table_arn(assembly: Assembly, name: str) -> Json:
    """A table's ARN as the consumers stack says it."""
    return _import(assembly, {"Fn::GetAtt": [assembly.messaging.logical_id(TABLES_BY_NAME[name].output_key), "Arn"]})


def export_of_table_name(assembly: Assembly, name: str) -> Json:
    """A table's physical name as the consumers stack says it."""
    return _import(assembly, {"Ref": assembly.messaging.logical_id(TABLES_BY_NAME[name].output_key)})


def export_of_stream_arn(assembly: Assembly, name: str) -> Json:
    """The ARN of a table's stream as the consumers stack says it."""
    table = assembly.messaging.logical_id(TABLES_BY_NAME[name].output_key)
    return _import(assembly, {"Fn::GetAtt": [table, "StreamArn"]})


def _import(assembly: Assembly, value: Json) -> Json:
    outputs = assembly.messaging.body["Outputs"].values()
    (name,) = [each["Export"]["Name"] for each in outputs if each["Value"] == value and "Export" in each]
    return {"Fn::ImportValue": name}
