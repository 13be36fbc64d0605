"""Has the CDK judge an app by the rules when it is synthesized, and takes exceptions that have a reason.

The rules are a validation plugin: the CDK calls it with the written templates, reports what it finds with the path of
each construct, and then `app.synth()`, `python app.py` and `cdk synth` fail. `CDK_VALIDATION=false`, which leaves out
the CDK's own two seconds, does not leave out the rules.

Source: https://docs.aws.amazon.com/cdk/v2/guide/policy-validation-synthesis.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import jsii
from aws_cdk import (
    Acknowledgment,
    App,
    CfnResource,
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
    Validations,
)

from messaging.events import CATALOGUE, EventType
from messaging.topic import Topic
from stacks.errors import SynthError
from stacks.rules.blueprint import Blueprint
from stacks.rules.verdict import NAMES, Finding, judge

PLUGIN = "waybill"
# Validations.ACKNOWLEDGED_RULES_METADATA_KEY; to ask for it here would wait for the CDK to start.
_ACKNOWLEDGED = "aws:cdk:acknowledged-rules"


def enforce(app: App, topic: Topic, catalogue: Sequence[EventType] = CATALOGUE) -> None:
    """Let the app fail to synthesize where one of its resources breaks a rule."""
    Validations.of(app).add_plugins(_Rules(topic, catalogue))


def allow(resource: CfnResource, finding: str, *, reason: str) -> None:
    """Accept one finding at one resource, such as `iam-wildcard[s3:ListBucket]`.

    It stays in the report of the synth, with its reason. Raises SynthError without a reason, for a rule that does not
    exist, and for a construct that is more than one resource.
    """
    if not isinstance(resource, CfnResource):
        raise SynthError(f"an exception from {finding} is for one resource: give the construct's node.default_child")
    path: str = resource.node.path
    if finding.partition("[")[0] not in NAMES:
        raise SynthError(f"{path}: no rule is named {finding}; there are {', '.join(sorted(NAMES))}")
    if not reason.strip():
        raise SynthError(f"{path}: an exception from {finding} needs its reason")
    Validations.of(resource).acknowledge(Acknowledgment(id=f"{PLUGIN}::{finding}", reason=reason))


@jsii.implements(IPolicyValidationPlugin)
class _Rules:
    def __init__(self, topic: Topic, catalogue: Sequence[EventType]) -> None:
        self._topic = topic
        self._catalogue = catalogue

    @property
    def name(self) -> str:
        return PLUGIN

    @property
    def version(self) -> None:
        return None

    @property
    def rule_ids(self) -> list[str]:
        return sorted(NAMES)

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        paths = _with_nested(context.template_paths)
        blueprint = Blueprint.read(paths, self._topic, self._catalogue)
        violations = [_violation(finding) for finding in judge(blueprint)]
        violations += _unreasoned({path.parent for path in paths})
        return PolicyValidationPluginReport(success=not violations, violations=violations)


def _with_nested(paths: Sequence[str]) -> list[Path]:
    """The templates of stacks, and beside them those of their nested stacks, which the CDK does not name."""
    stacks = [Path(path) for path in paths]
    nested = {path for folder in {path.parent for path in stacks} for path in folder.glob("*.nested.template.json")}
    return [*stacks, *sorted(nested)]


def _unreasoned(folders: Iterable[Path]) -> Iterator[PolicyViolation]:
    """Exceptions that were made past `allow`: without a reason, or for more than one resource. None can be excepted."""
    for path in sorted(path for folder in folders for path in folder.glob("*.metadata.json")):
        data = path.read_bytes()
        if _ACKNOWLEDGED.encode() not in data:  # parsing costs more than all rules together
            continue
        for construct, entries in json.loads(data).items():
            is_resource = any(entry["type"] == "aws:cdk:logicalId" for entry in entries)
            for entry in entries:
                for name, reason in entry["data"].items() if entry["type"] == _ACKNOWLEDGED else ():
                    if name.startswith(f"{PLUGIN}::") and not (is_resource and reason.strip()):
                        yield _unexceptional(construct.removeprefix("/"), name)


def _unexceptional(construct: str, name: str) -> PolicyViolation:
    return PolicyViolation(
        rule_name="exception",
        description=f"{name} is acknowledged without a reason, or for more than one resource",
        fix="make the exception with stacks.rules.allow(resource, finding, reason=...)",
        severity="fatal",
        violating_resources=[PolicyViolatingResource(construct_path=construct, locations=[])],
    )


def _violation(finding: Finding) -> PolicyViolation:
    resource = finding.breach.resource
    return PolicyViolation(
        rule_name=finding.name,
        description=finding.message,
        fix=finding.breach.mend,
        severity="error",
        violating_resources=[
            PolicyViolatingResource(
                resource_logical_id=resource.logical_id,
                template_path=str(resource.template),
                locations=[finding.breach.location],
            )
        ],
    )
