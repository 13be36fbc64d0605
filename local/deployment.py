"""Waybill on this machine: an engine that runs, with the whole topology deployed into it, and nothing done twice."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import engine
from local.cdk import CREDENTIALS, REGION
from local.clients import client
from local.engine import Engine
from local.errors import DeploymentError
from local.fingerprint import fingerprint
from local.locks import alone

MAIL_FROM = "orders@waybill.example"
CONTEXT: Mapping[str, str] = {
    "mail_from": MAIL_FROM,
    "layer": "off",
    "newer_version_patience_seconds": "10",
    # Each worker is a Python process on this machine: with ten a subscription, two cores would only start processes.
    "maximum_concurrency": "2",
}

Report = Callable[[str], None]

_FOLDER = ".waybill"


@dataclass(frozen=True)
class Deployment:
    """A running engine with Waybill deployed. `seconds` is what it took; `deployed` says whether anything was."""

    endpoint: str
    outputs: Mapping[str, str]
    deployed: bool
    seconds: float

    def client(self, service: str) -> Any:
        """A boto3 client of this engine."""
        return client(self.endpoint, service)


@dataclass(frozen=True)
class Status:
    """What runs and what is deployed in a checkout."""

    endpoint: str | None
    pid: int | None
    deployed: bool  # in the running engine, or in the state that the next start resumes
    current: bool  # and it is what the files of the checkout say


def up(root: Path, *, fresh: bool = False, report: Report) -> Deployment:
    """Start the engine and deploy, each where needed. `fresh` puts all that the engine held aside.

    Raises EngineError and DeploymentError.
    """
    started = time.monotonic()
    with _alone(root, report):
        state_dir = state_folder(root)
        if fresh:
            _stop(state_dir, report)
            aside = engine.put_aside(state_dir)
            if aside is not None:
                report(f"What the engine held is put aside in {aside.relative_to(root)}")
        inputs = fingerprint(root, CONTEXT)
        running = engine.find(state_dir)
        if running is None and engine.was_saved(state_dir) and _recorded(state_dir).get("fingerprint") == inputs:
            running = _start(state_dir, report)
        record = _recorded(state_dir)
        if running is not None and record.get("fingerprint") == inputs:
            return Deployment(running.endpoint, record["outputs"], deployed=False, seconds=time.monotonic() - started)
        running, outputs = _deploy(root, inputs, report)
        return Deployment(running.endpoint, outputs, deployed=True, seconds=time.monotonic() - started)


def down(root: Path, report: Report) -> None:
    """Stop the engine. Messages, tables and functions are there again after the next `up`."""
    with _alone(root, report):
        if not _stop(state_folder(root), report):
            report("The engine does not run")


def status(root: Path) -> Status:
    """What runs and what is deployed."""
    state_dir = state_folder(root)
    running = engine.find(state_dir)
    record = _recorded(state_dir) if running is not None or engine.was_saved(state_dir) else {}
    return Status(
        endpoint=running.endpoint if running else None,
        pid=running.process.pid if running else None,
        deployed=bool(record),
        current=record.get("fingerprint") == fingerprint(root, CONTEXT),
    )


def exports(root: Path) -> dict[str, str]:
    """The variables with which boto3, the AWS CLI and a script that imports `messaging` reach the running engine.

    Raises DeploymentError where none runs.
    """
    from messaging.tables import OUTBOX
    from messaging.topic import TOPIC_ARN_OUTPUT

    running, record = engine.find(state_folder(root)), _recorded(state_folder(root))
    if running is None or not record:
        raise DeploymentError("nothing is deployed here: run python3 dev.py up")
    return {
        "AWS_ENDPOINT_URL": running.endpoint,
        "AWS_DEFAULT_REGION": REGION,
        **CREDENTIALS,
        "PYTHONPATH": str(root),
        "TOPIC_ARN": record["outputs"][TOPIC_ARN_OUTPUT],
        "OUTBOX_TABLE": record["outputs"][OUTBOX.output_key],
    }


def _deploy(root: Path, inputs: str, report: Report) -> tuple[Engine, dict[str, str]]:
    """Deploy into the engine, started where it does not run. The app synthesizes beside engine and bootstrap."""
    from local import assembly, cdk, mends
    from local.alarms.names import ALARM_TYPES
    from local.alarms.opening import create_alarms

    state_dir, work = state_folder(root), root / _FOLDER / "cdk"
    with _synthesis(root, inputs, report) as templates:
        running = engine.find(state_dir) or _start(state_dir, report)
        (state_dir / engine.DEPLOYED).unlink(missing_ok=True)
        if not _is_bootstrapped(running.endpoint):
            with _timed(report, "Bootstrapped the engine"):
                cdk.bootstrap(root, work / "empty", running.endpoint)
    for resource in assembly.localize(synthesized(root), work / "assembly"):
        if resource.kind not in ALARM_TYPES:  # those come later, through the API
            report(f"Left out, unknown to the engine: {resource.logical_id} ({resource.kind}) of {resource.stack}")
    with _timed(report, f"Deployed {' and '.join(templates)}"):
        outputs = cdk.deploy(root, work / "empty", running.endpoint, work / "assembly")
    done = mends.apply(templates, lambda service: client(running.endpoint, service))
    report(f"Mended what the engine dropped: {len(done)} settings of topics and tables")
    made = create_alarms(templates, lambda service: client(running.endpoint, service))
    report(f"Made through the API what its CloudFormation refuses: {len(made)} alarms")
    # On AWS the owner of the address confirms it; the engine takes the sender's word.
    client(running.endpoint, "ses").verify_email_identity(EmailAddress=MAIL_FROM)
    _write(state_dir / engine.DEPLOYED, {"fingerprint": inputs, "outputs": outputs})
    return running, outputs


@contextlib.contextmanager
def _synthesis(root: Path, inputs: str, report: Report) -> Iterator[dict[str, Any]]:
    """The app's templates, complete when the block ends: synthesized beside it, or earlier where nothing changed."""
    from local import assembly, cdk

    target, stamp = synthesized(root), root / _FOLDER / "synthesized.json"
    templates: dict[str, Any] = {}
    if _read(stamp).get("fingerprint") == inputs and target.is_dir():
        yield templates
    else:
        stamp.unlink(missing_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        began = time.monotonic()
        with cdk.start_synth(root, target, CONTEXT) as synth:
            yield templates
            cdk.finish_synth(synth)
        report(f"Synthesized the app, beside ({time.monotonic() - began:.1f} s)")
        _write(stamp, {"fingerprint": inputs})
    templates.update(assembly.templates(target))


def _start(state_dir: Path, report: Report) -> Engine:
    began = time.monotonic()
    resumed = engine.was_saved(state_dir)
    running = engine.start(state_dir)
    how = "resumed from its saved state" if resumed else "started"
    report(f"Engine {how} on {running.endpoint} ({time.monotonic() - began:.1f} s)")
    return running


def _stop(state_dir: Path, report: Report) -> bool:
    running = engine.find(state_dir)
    if running is None:
        return False
    with _timed(report, "Engine stopped, its state saved"):
        engine.stop(running)
    return True


def _is_bootstrapped(endpoint: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        stacks = client(endpoint, "cloudformation").describe_stacks(StackName="CDKToolkit")["Stacks"]
    except ClientError:  # ValidationError: there is no such stack
        return False
    return any(stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE") for stack in stacks)


def _alone(root: Path, report: Report) -> contextlib.AbstractContextManager[None]:
    """One command at a time in a checkout; the second waits for the first."""
    return alone(
        root / _FOLDER / "command.lock",
        waiting=lambda: report("Another command is at work in this checkout: waiting for it"),
    )


@contextlib.contextmanager
def _timed(report: Report, what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    report(f"{what} ({time.monotonic() - began:.1f} s)")


def state_folder(root: Path) -> Path:
    """Where the engine of a checkout keeps all that it holds."""
    return root / _FOLDER / "engine"


def synthesized(root: Path) -> Path:
    """The assembly that the app synthesized: what is deployed, where `status` says that it is current."""
    return root / _FOLDER / "cdk" / "synthesized"


def _recorded(state_dir: Path) -> dict[str, Any]:
    return _read(state_dir / engine.DEPLOYED)


def _read(path: Path) -> dict[str, Any]:
    """A JSON file of ours; empty where there is none, or half of one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(path: Path, content: Mapping[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content), encoding="utf-8")
    partial.replace(path)
