"""Values of a template as the engine knows them: references become physical names, ARNs and account.

What CloudFormation left out, as the engine knows no such resource, gets the name that it will be created under.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from local.alarms.errors import AlarmError
from local.cdk import REGION

Templates = Mapping[str, Mapping[str, Any]]  # by stack name

ALARM_TYPES = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")


class Names:
    """Resolves Ref, Fn::GetAtt, Fn::Join, Fn::Sub, Fn::Select, Fn::Split and Fn::ImportValue.

    `physical` are the engine's physical ids by stack and logical id. Raises AlarmError for what it can't resolve.
    """

    def __init__(self, templates: Templates, physical: Mapping[str, Mapping[str, str]], account: str) -> None:
        self._templates = templates
        self._physical = physical
        self._account = account
        self._exports = {
            self.resolve(stack, output["Export"]["Name"]): (stack, output["Value"])
            for stack, template in templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def resolve(self, stack: str, value: Any) -> Any:
        """A value of this stack's template without any reference left."""
        if isinstance(value, list):
            return [self.resolve(stack, each) for each in value]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            (name, argument) = next(iter(value.items()))
            if name == "Ref" or name.startswith("Fn::"):
                return self._intrinsic(stack, name, argument)
        return {key: self.resolve(stack, each) for key, each in value.items()}

    def physical_id(self, stack: str, logical_id: str) -> str:
        """What Ref gives: a queue's URL, a topic's ARN, the name of most others."""
        found = self._physical.get(stack, {}).get(logical_id)
        if found:
            return found
        resource = self._resource(stack, logical_id)
        if resource["Type"] in ALARM_TYPES:
            given = resource.get("Properties", {}).get("AlarmName")
            return str(self.resolve(stack, given)) if given else f"{stack}-{logical_id}"
        raise AlarmError(f"{stack}: the engine has no {logical_id} ({resource['Type']}): run python3 dev.py up")

    def _intrinsic(self, stack: str, name: str, argument: Any) -> Any:
        match name:
            case "Ref":
                return self._reference(stack, argument)
            case "Fn::GetAtt":
                logical_id, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
                return self._attribute(stack, logical_id, attribute)
            case "Fn::Join":
                return argument[0].join(str(each) for each in self.resolve(stack, argument[1]))
            case "Fn::Select":
                return self.resolve(stack, argument[1])[int(argument[0])]
            case "Fn::Split":
                return str(self.resolve(stack, argument[1])).split(argument[0])
            case "Fn::Sub":
                return self._substituted(stack, argument)
            case "Fn::ImportValue":
                return self._imported(stack, argument)
        raise AlarmError(f"{stack}: {name} is not resolved here")

    def _reference(self, stack: str, logical_id: str) -> str:
        pseudo = {
            "AWS::Region": REGION,
            "AWS::AccountId": self._account,
            "AWS::Partition": "aws",
            "AWS::StackName": stack,
        }
        return pseudo[logical_id] if logical_id in pseudo else self.physical_id(stack, logical_id)

    def _attribute(self, stack: str, logical_id: str, attribute: str) -> str:
        kind, physical = self._resource(stack, logical_id)["Type"], self.physical_id(stack, logical_id)
        match kind, attribute:
            case ("AWS::SQS::Queue", "QueueName"):
                return physical.rpartition("/")[2]
            case ("AWS::SQS::Queue", "Arn"):
                return self._arn("sqs", physical.rpartition("/")[2])
            case ("AWS::SQS::Queue", "QueueUrl") | ("AWS::SNS::Topic", "TopicArn"):
                return physical
            case ("AWS::SNS::Topic", "TopicName"):
                return physical.rpartition(":")[2]
            case ("AWS::Lambda::Function", "Arn"):
                return self._arn("lambda", f"function:{physical}")
            case (("AWS::CloudWatch::Alarm" | "AWS::CloudWatch::CompositeAlarm"), "Arn"):
                return self._arn("cloudwatch", f"alarm:{physical}")
        raise AlarmError(f"{stack}: {attribute} of {logical_id} ({kind}) is not resolved here")

    def _substituted(self, stack: str, argument: Any) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in variables:
                return str(self.resolve(stack, variables[name]))
            logical_id, _, attribute = name.partition(".")
            return self._attribute(stack, logical_id, attribute) if attribute else self._reference(stack, logical_id)

        return re.sub(r"\$\{([^}]+)\}", value, text)

    def _imported(self, stack: str, argument: Any) -> Any:
        name = self.resolve(stack, argument)
        if name not in self._exports:
            raise AlarmError(f"{stack}: no template exports {name}")
        return self.resolve(*self._exports[name])

    def _resource(self, stack: str, logical_id: str) -> Mapping[str, Any]:
        resource: Mapping[str, Any] | None = self._templates[stack].get("Resources", {}).get(logical_id)
        if resource is None:
            raise AlarmError(f"{stack}: its template has no resource {logical_id}")
        return resource

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{REGION}:{self._account}:{resource}"
