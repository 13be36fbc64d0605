"""The assembly that goes to the engine: a copy of the synthesized one, without what the engine refuses.

CloudFormation in MiniStack fails a stack for a resource type that it does not know. Such resources are left out of
the copy, with everything that cannot stand without them, and named aloud. The synthesized assembly stays as it is.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UNSUPPORTED = frozenset(
    {
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::CloudWatch::AnomalyDetector",
        "AWS::CloudWatch::CompositeAlarm",
        "AWS::CodeDeploy::Application",
        "AWS::CodeDeploy::DeploymentConfig",
        "AWS::CodeDeploy::DeploymentGroup",
        "AWS::Logs::QueryDefinition",
        "AWS::SNS::TopicInlinePolicy",
        "AWS::SQS::QueueInlinePolicy",
        "Custom::LogRetention",
    }
)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One resource that the engine does not get."""

    stack: str
    logical_id: str
    kind: str


def templates(assembly: Path) -> dict[str, dict[str, Any]]:
    """The assembly's templates by stack name."""
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    found = {}
    for artifact_id, artifact in manifest["artifacts"].items():
        if artifact["type"] == "aws:cloudformation:stack":
            properties = artifact["properties"]
            content = (assembly / properties["templateFile"]).read_text(encoding="utf-8")
            found[properties.get("stackName", artifact_id)] = json.loads(content)
    return found


def localize(assembly: Path, target: Path) -> list[LeftOut]:
    """Write the copy for the engine to `target`. Returns what it lacks."""
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(assembly, target, symlinks=True)
    left_out = []
    for path in sorted(target.glob("*.template.json")):
        content = path.read_bytes()
        template = json.loads(content)
        kept, dropped = without_unsupported(template)
        if dropped:
            rewritten = json.dumps(kept, indent=1).encode()
            path.write_bytes(rewritten)
            _rename_asset(target, content, rewritten)
        stack = path.name.removesuffix(".template.json")
        left_out += [LeftOut(stack, name, template["Resources"][name]["Type"]) for name in dropped]
    return left_out


def without_unsupported(template: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The template without the resources that the engine refuses or that refer to one; and their logical ids."""
    resources = dict(template.get("Resources", {}))
    gone = {name for name, resource in resources.items() if _is_unsupported(resource)}
    while more := {
        name
        for name, resource in resources.items()
        if name not in gone and gone & set(_references(resource.get("Properties", {})))
    }:
        gone |= more
    outputs = {name: out for name, out in template.get("Outputs", {}).items() if not gone & set(_references(out))}
    kept = {name: _without_dependencies(resource, gone) for name, resource in resources.items() if name not in gone}
    return {**template, "Resources": kept, "Outputs": outputs}, sorted(gone)


def _is_unsupported(resource: Mapping[str, Any]) -> bool:
    metric_math = resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource.get("Properties", {})
    return metric_math or resource["Type"] in UNSUPPORTED


def _references(value: Any) -> Iterator[str]:
    """Logical ids that a piece of a template names."""
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "Ref" and isinstance(item, str):
                yield item
            elif key == "Fn::GetAtt":
                yield item.split(".")[0] if isinstance(item, str) else item[0]
            else:
                yield from _references(item)


def _without_dependencies(resource: dict[str, Any], gone: set[str]) -> dict[str, Any]:
    named = resource.get("DependsOn", [])
    kept = [name for name in ([named] if isinstance(named, str) else named) if name not in gone]
    rest = {key: value for key, value in resource.items() if key != "DependsOn"}
    return {**rest, "DependsOn": kept} if kept else rest


def _rename_asset(target: Path, content: bytes, rewritten: bytes) -> None:
    """Give a changed template the name of its new contents: an upload is skipped where the name is there already."""
    was, now = hashlib.sha256(content).hexdigest(), hashlib.sha256(rewritten).hexdigest()
    for path in (target / "manifest.json", *target.glob("*.assets.json")):
        path.write_text(path.read_text(encoding="utf-8").replace(was, now), encoding="utf-8")
