"""The app through the pinned CDK command line, template validator on: what `cdk synth` does for a user."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stacks.conftest import Synthesize
from tests.stacks.synthesized import MAIL_FROM, ROOT, Json, read_template

CDK = ROOT / "node_modules" / ".bin" / "cdk"


def _cdk(*arguments: str) -> subprocess.CompletedProcess[str]:
    if not CDK.exists():
        pytest.fail("the CDK's command line is not installed: run `npm ci`, or `python3 dev.py test`, which does")
    # This interpreter's folder holds node and the python3 that cdk.json starts; nothing else of AWS may be known.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    environment |= {"CDK_DISABLE_CLI_TELEMETRY": "true", "AWS_EC2_METADATA_DISABLED": "true"}
    return subprocess.run(
        [str(CDK), "--no-notices", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_cdk_synth_validates_and_agrees_with_the_app(tmp_path: Path, synth: Synthesize) -> None:
    """`cdk synth` runs the validator, finds nothing, and writes the resources that the other tests examine."""
    options = {"layer": "off", "mail_from": MAIL_FROM}
    contexts = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    outcome = _cdk("synth", "--quiet", "--output", str(tmp_path), *contexts)
    assert outcome.returncode == 0, outcome.stderr
    report: Json = json.loads((tmp_path / "validation-report.json").read_text())  # written by the validator only
    assert report["pluginReports"] == []
    in_process = synth(**options)
    for name, template in (("messaging", in_process.messaging), ("consumers", in_process.consumers)):
        written = read_template(tmp_path / f"waybill-dev-{name}.template.json").body
        assert _without_metadata(written) == _without_metadata(template.body)


def test_a_property_that_cloudformation_does_not_know_is_an_error(tmp_path: Path) -> None:
    """What typed constructs would refuse, the validator refuses, naming construct and property."""
    app = tmp_path / "app.py"
    app.write_text(
        "from aws_cdk import App, Stack\n"
        "from stacks.resources import add_resource\n"
        "app = App()\n"
        "add_resource(Stack(app, 'S'), 'Q', 'AWS::SQS::Queue', {'FifoQeueu': True})\n"
        "app.synth()\n",
        encoding="utf-8",
    )
    program = f"env PYTHONPATH={shlex.quote(str(ROOT))} python3 {shlex.quote(str(app))}"
    outcome = _cdk("synth", "--quiet", "--app", program, "--output", str(tmp_path / "out"))
    assert outcome.returncode != 0
    assert "ERROR FifoQeueu" in outcome.stderr
    assert "S/Q" in outcome.stderr


def test_cdk_names_a_wrong_option(tmp_path: Path) -> None:
    """A stage that does not exist ends the command with one sentence, not with a traceback."""
    outcome = _cdk("synth", "--quiet", "--output", str(tmp_path), "-c", "stage=staging")
    assert outcome.returncode != 0
    assert "waybill: -c stage=staging: it must be one of dev, prod" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_the_pinned_command_line_is_installed() -> None:
    """The CDK's command line is the version that package.json pins."""
    pinned: str = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    assert _cdk("--version").stdout.startswith(f"{pinned} ")


def _without_metadata(template: Json) -> Json:
    """The command line adds each construct's path as metadata, and nothing else."""
    resources = template["Resources"].items()
    return template | {
        "Resources": {
            logical_id: {key: value for key, value in resource.items() if key != "Metadata"}
            for logical_id, resource in resources
        }
    }
