"""One small app through the real CDK command line: deployed once, unchanged, resumed, deployed again, forgotten."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import deployment, engine, processes
from local.errors import DeploymentError
from tests.local.conftest import depth, end, eventually

CHECKOUT = Path(__file__).resolve().parents[2]
APP = """
from aws_cdk import App, CfnOutput, CfnResource, Stack
from aws_cdk import aws_sqs as sqs

app = App()
stack = Stack(app, "small")
queue = sqs.Queue(stack, "Queue", fifo=True)
CfnResource(stack, "Saved", type="AWS::Logs::QueryDefinition", properties={"Name": "n", "QueryString": "q"})
CfnOutput(stack, "QueueUrl", value=queue.queue_url)
CfnOutput(stack, "Layer", value=app.node.get_context("layer"))
app.synth()
"""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A checkout with a small app; its engine is stopped at the end."""
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    (tmp_path / "cdk.json").write_text('{"app": "python3 app.py", "context": {}}', encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(CHECKOUT / "node_modules")
    yield tmp_path
    end(tmp_path / ".waybill" / "engine")


def test_life_of_a_checkout(root: Path) -> None:
    """Up deploys once and then does nothing; down keeps messages; a kill or a change deploys again; fresh is empty."""
    said: list[str] = []

    first = deployment.up(root, report=said.append)
    assert first.deployed
    assert first.outputs["Layer"] == "off"
    assert any("Left out" in line and "AWS::Logs::QueryDefinition" in line for line in said)
    url = first.outputs["QueueUrl"]
    running = engine.find(root / ".waybill" / "engine")
    assert running is not None

    unchanged = deployment.up(root, report=said.append)
    assert (unchanged.deployed, unchanged.outputs) == (False, first.outputs)
    assert unchanged.seconds < 1.0

    first.client("sqs").send_message(QueueUrl=url, MessageBody="b", MessageGroupId="g", MessageDeduplicationId="d")
    deployment.down(root, said.append)
    assert deployment.status(root) == deployment.Status(endpoint=None, pid=None, deployed=True, current=True)

    resumed = deployment.up(root, report=said.append)
    again = engine.find(root / ".waybill" / "engine")
    assert again is not None
    assert not resumed.deployed
    assert depth(again, url) == 1

    (root / "app.py").write_text(APP + "# changed\n", encoding="utf-8")
    assert not deployment.status(root).current
    assert deployment.up(root, report=said.append).deployed
    assert depth(again, url) == 1

    os.kill(again.process.pid, signal.SIGKILL)
    eventually(lambda: not processes.is_running(again.process), "the engine is gone")
    assert not deployment.status(root).deployed
    assert deployment.up(root, report=said.append).deployed

    before = engine.find(root / ".waybill" / "engine")
    assert before is not None
    depth_before = depth(before, url)
    fresh = deployment.up(root, fresh=True, report=said.append)
    latest = engine.find(root / ".waybill" / "engine")
    assert latest is not None
    assert fresh.deployed
    assert depth(latest, fresh.outputs["QueueUrl"]) == 0
    assert "put aside" in " ".join(said)

    deployment.down(root, report=said.append)
    (aside,) = (root / ".waybill").glob("engine.before-*")
    shutil.rmtree(root / ".waybill" / "engine")
    aside.rename(root / ".waybill" / "engine")
    restored = deployment.up(root, report=said.append)
    back = engine.find(root / ".waybill" / "engine")
    assert back is not None
    assert not restored.deployed
    assert depth(back, url) == depth_before


def test_failing_app_is_shown_and_nothing_counts_as_deployed(root: Path) -> None:
    """What a broken app says is in the error, and the next up tries again."""
    (root / "app.py").write_text("raise SystemExit('no such topic')\n", encoding="utf-8")

    with pytest.raises(DeploymentError, match="no such topic"):
        deployment.up(root, report=lambda line: None)

    assert not deployment.status(root).deployed


def test_missing_command_line_says_what_to_do(root: Path) -> None:
    """Without the CDK's command line the error names the command that installs it."""
    (root / "node_modules").unlink()

    with pytest.raises(DeploymentError, match=r"dev\.py up"):
        deployment.up(root, report=lambda line: None)


def test_down_without_an_engine_says_so(root: Path) -> None:
    """Stopping what does not run is no error."""
    said: list[str] = []

    deployment.down(root, said.append)

    assert said == ["The engine does not run"]
