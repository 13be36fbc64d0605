"""What the engine refuses is left out of its copy of the assembly, with what hangs on it, and is named."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from local import assembly
from local.assembly import LeftOut

METRIC_MATH = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [{"Id": "e", "Expression": "a + b"}]}}
PLAIN_ALARM = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "m", "Threshold": 1}}
TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue", "DependsOn": ["Math", "Depth"]},
        "Depth": PLAIN_ALARM,
        "Math": METRIC_MATH,
        "Any": {
            "Type": "AWS::CloudWatch::CompositeAlarm",
            "Properties": {"AlarmRule": {"Fn::Join": ["", ["ALARM(", {"Ref": "Depth"}, ")"]]}},
        },
        "Silencer": {
            "Type": "AWS::Lambda::Function",
            "Properties": {"Environment": {"Variables": {"ALARM": {"Fn::GetAtt": ["Any", "Arn"]}}}},
        },
    },
    "Outputs": {"Url": {"Value": {"Ref": "Queue"}}, "Alarm": {"Value": {"Fn::GetAtt": "Math.Arn"}}},
}


def written(folder: Path, template: dict[str, Any]) -> Path:
    """An assembly with this template, as the CDK lays it out."""
    folder.mkdir()
    content = json.dumps(template)
    (folder / "one.template.json").write_text(content, encoding="utf-8")
    name = hashlib.sha256(content.encode()).hexdigest()
    (folder / "one.assets.json").write_text(
        json.dumps({"files": {name: {"objectKey": f"{name}.json"}}}), encoding="utf-8"
    )
    properties = {"templateFile": "one.template.json", "stackTemplateAssetObjectUrl": f"s3://bucket/{name}.json"}
    artifacts = {
        "one.assets": {"type": "cdk:asset-manifest", "properties": {"file": "one.assets.json"}},
        "one": {"type": "aws:cloudformation:stack", "properties": {**properties, "stackName": "stage-one"}},
    }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}), encoding="utf-8")
    return folder


def test_unsupported_resources_go_with_what_refers_to_them() -> None:
    """Metric math, composite alarms and whatever names them are left out; the rest stays as it is."""
    kept, dropped = assembly.without_unsupported(TEMPLATE)

    assert dropped == ["Any", "Math", "Silencer"]
    assert kept["Resources"] == {"Queue": {"Type": "AWS::SQS::Queue", "DependsOn": ["Depth"]}, "Depth": PLAIN_ALARM}
    assert list(kept["Outputs"]) == ["Url"]


def test_supported_template_stays_byte_for_byte(tmp_path: Path) -> None:
    """Where nothing is left out, the copy is the synthesized assembly."""
    source = written(tmp_path / "source", {"Resources": {"Depth": PLAIN_ALARM}})

    assert assembly.localize(source, tmp_path / "copy") == []

    for path in source.iterdir():
        assert (tmp_path / "copy" / path.name).read_bytes() == path.read_bytes()


def test_changed_template_gets_the_name_of_its_contents(tmp_path: Path) -> None:
    """A copy that lacks something is uploaded under a name of its own, and the source is untouched."""
    source = written(tmp_path / "source", TEMPLATE)
    was = {path.name: path.read_bytes() for path in source.iterdir()}

    left_out = assembly.localize(source, tmp_path / "copy")

    name = hashlib.sha256((tmp_path / "copy" / "one.template.json").read_bytes()).hexdigest()
    assert LeftOut("one", "Any", "AWS::CloudWatch::CompositeAlarm") in left_out
    assert name in (tmp_path / "copy" / "one.assets.json").read_text(encoding="utf-8")
    assert name in (tmp_path / "copy" / "manifest.json").read_text(encoding="utf-8")
    assert {path.name: path.read_bytes() for path in source.iterdir()} == was


def test_earlier_copy_is_replaced(tmp_path: Path) -> None:
    """Nothing of an earlier copy stays behind."""
    source = written(tmp_path / "source", TEMPLATE)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "old.template.json").write_text("{}", encoding="utf-8")

    assembly.localize(source, tmp_path / "copy")

    assert not (tmp_path / "copy" / "old.template.json").exists()


def test_templates_are_found_by_stack_name(tmp_path: Path) -> None:
    """The templates of an assembly come under the names that their stacks have when they are deployed."""
    assert assembly.templates(written(tmp_path / "source", TEMPLATE)) == {"stage-one": TEMPLATE}
