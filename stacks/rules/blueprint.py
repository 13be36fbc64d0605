"""What is about to be deployed, as rules read it: every synthesized resource, and where its references lead."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from messaging.events import CATALOGUE, EventType
from messaging.subscription import Subscription
from messaging.topic import Topic

Json = Any

QUEUE = "AWS::SQS::Queue"
TOPIC = "AWS::SNS::Topic"
TABLE = "AWS::DynamoDB::Table"
FUNCTION = "AWS::Lambda::Function"
MAPPING = "AWS::Lambda::EventSourceMapping"
SUBSCRIPTION = "AWS::SNS::Subscription"
ALARM = "AWS::CloudWatch::Alarm"

# Where a resource says its physical name, if it does not leave that to CloudFormation.
_NAMES = {QUEUE: "QueueName", TOPIC: "TopicName", TABLE: "TableName", FUNCTION: "FunctionName"}


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One resource of a template, its properties as CloudFormation will read them."""

    template: Path
    logical_id: str
    kind: str
    properties: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """What reads a queue or a stream: the mapping, and of its function, queue and row those that are known here."""

    mapping: Resource
    function: Resource | None
    queue: Resource | None
    row: Subscription | None


class Blueprint:
    """The resources of all templates. `topic` has the rows that they should be made of, `catalogue` its events."""

    def __init__(
        self, templates: Mapping[Path, Json], topic: Topic, catalogue: Sequence[EventType] = CATALOGUE
    ) -> None:
        self.templates = templates
        self.topic = topic
        self.catalogue = catalogue
        self._resources: dict[tuple[Path, str], Resource] = {}
        self._of_kind: dict[str, list[Resource]] = {}
        self._named: dict[tuple[str, str], Resource] = {}
        self._exports: dict[str, tuple[Json, Path]] = {}
        for path, template in templates.items():
            self._add(path, template)

    @classmethod
    def read(cls, paths: Iterable[Path], topic: Topic, catalogue: Sequence[EventType] = CATALOGUE) -> Blueprint:
        """The templates as they stand on disk."""
        return cls({path: json.loads(path.read_bytes()) for path in paths}, topic, catalogue)

    @property
    def rows(self) -> list[Subscription]:
        """Every subscription of the topic, the canary's too."""
        return [*self.topic.subscriptions, *([] if self.topic.canary is None else [self.topic.canary])]

    def of(self, *kinds: str) -> list[Resource]:
        """Every resource of these types."""
        return [resource for kind in kinds for resource in self._of_kind.get(kind, [])]

    def in_template(self, path: Path) -> list[Resource]:
        """Every resource of one template."""
        return [resource for (template, _), resource in self._resources.items() if template == path]

    def behind(self, value: Json, kind: str, *, seen_from: Resource) -> Resource | None:
        """The resource of that type which a value refers to, by a reference, an export, or a name that it is given.

        None where it is not of this app, or only CloudFormation can tell.
        """
        found = self._referred(value, seen_from.template)
        if found is None and isinstance(value, (str, Mapping)):
            name = text(value).rpartition(":")[2].rpartition("/")[2]
            found = self._named.get((kind, name))
        return found if found is not None and found.kind == kind else None

    @cached_property
    def consumers(self) -> list[Consumer]:
        """Every mapping, with what it reads and what it invokes."""
        return [self._consumer(mapping) for mapping in self.of(MAPPING)]

    def dead_letter_queue(self, source: Resource) -> Resource | None:
        """Where a queue, or a subscription, leaves what it gave up."""
        target = document(source.properties.get("RedrivePolicy")).get("deadLetterTargetArn")
        return self.behind(target, QUEUE, seen_from=source)

    def _add(self, path: Path, template: Json) -> None:
        for logical_id, body in template.get("Resources", {}).items():
            resource = Resource(path, logical_id, body["Type"], body.get("Properties", {}))
            self._resources[path, logical_id] = resource
            self._of_kind.setdefault(resource.kind, []).append(resource)
            name = resource.properties.get(_NAMES.get(resource.kind, ""))
            if name is not None:
                self._named[resource.kind, text(name)] = resource
        for output in template.get("Outputs", {}).values():
            if "Export" in output:
                self._exports[text(output["Export"]["Name"])] = (output["Value"], path)

    def _referred(self, value: Json, template: Path) -> Resource | None:
        match value:
            case {"Ref": str(logical_id)} | {"Fn::GetAtt": [str(logical_id), *_]}:
                return self._resources.get((template, logical_id))
            case {"Fn::GetAtt": str(path)}:
                return self._resources.get((template, path.partition(".")[0]))
            case {"Fn::ImportValue": name} if text(name) in self._exports:
                return self._referred(*self._exports[text(name)])
        return None

    def _consumer(self, mapping: Resource) -> Consumer:
        function = self.behind(mapping.properties.get("FunctionName"), FUNCTION, seen_from=mapping)
        queue = self.behind(mapping.properties.get("EventSourceArn"), QUEUE, seen_from=mapping)
        handler = None if function is None else function.properties.get("Handler")
        rows = [row for row in self.rows if row.handler == handler]
        return Consumer(mapping=mapping, function=function, queue=queue, row=rows[0] if rows else None)


def text(value: Json) -> str:
    """A value in words: what CloudFormation will fill in stands as `${...}`."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [*path]}:
            return f"${{{'.'.join(map(text, path))}}}"
        case {"Fn::GetAtt": name} | {"Fn::ImportValue": name}:
            return f"${{{text(name)}}}"
        case {"Fn::Join": [str(separator), [*parts]]}:
            return separator.join(map(text, parts))
        case {"Fn::Sub": str(pattern)} | {"Fn::Sub": [str(pattern), *_]}:
            return pattern
    return json.dumps(value)


def number(value: Json, default: int) -> int | None:
    """A whole number; None where only CloudFormation knows it."""
    if value is None:
        return default
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def document(value: Json) -> Mapping[str, Json]:
    """An object, or one that is written as JSON; empty for what is neither."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, Mapping) else {}


def listed(value: Json) -> list[Json]:
    """A policy's way to say one thing without a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def is_true(value: Json) -> bool:
    """CloudFormation takes booleans as texts too."""
    return value is True or value == "true"
