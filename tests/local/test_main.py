"""The local commands: exit codes, and errors that say what to do."""

from __future__ import annotations

import pytest

from local import __main__ as command
from local import deployment
from local.deployment import Deployment, Status
from local.errors import DeploymentError


def test_error_goes_to_stderr_with_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A local error is one line on stderr, without a traceback."""

    def fail(*_: object, **__: object) -> Deployment:
        raise DeploymentError("no app")

    monkeypatch.setattr(deployment, "up", fail)

    assert command.main(["up"]) == 1
    assert capsys.readouterr().err == "waybill: no app\n"


def test_env_prints_what_a_shell_can_evaluate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One export a line, quoted."""
    monkeypatch.setattr(
        deployment, "exports", lambda root: {"AWS_ENDPOINT_URL": "http://h:1", "PYTHONPATH": "/way bill"}
    )

    assert command.main(["env"]) == 0

    assert capsys.readouterr().out == "export AWS_ENDPOINT_URL=http://h:1\nexport PYTHONPATH='/way bill'\n"


def test_the_operators_command_takes_over_with_the_engines_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its exit code, its output and Ctrl-C are its own."""
    taken: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr("local.deployment.exports", lambda root: {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    monkeypatch.setattr("os.execve", lambda *arguments: taken.append(arguments))
    command.main(["waybill", "queues", "-w"])
    ((_, arguments, environment),) = taken
    assert arguments[1:] == ["-m", "cli", "queues", "-w"]
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"


def test_interrupt_is_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C ends a command with 130, in one line."""

    def interrupt(*_: object, **__: object) -> Deployment:
        raise KeyboardInterrupt

    monkeypatch.setattr(deployment, "up", interrupt)

    assert command.main(["up"]) == 130
    assert capsys.readouterr().err == "waybill: interrupted\n"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status(None, None, deployed=False, current=False), ["stopped", "not deployed"]),
        (Status("http://h:1", 7, deployed=True, current=True), ["http://h:1 (process 7)", "as the checkout says"]),
        (Status("http://h:1", 7, deployed=True, current=False), ["http://h:1", "changed since"]),
    ],
)
def test_status_tells_what_runs(
    status: Status, expected: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status says whether the engine runs, where, and whether what it holds is what the files say."""
    monkeypatch.setattr(deployment, "status", lambda root: status)

    assert command.main(["status"]) == 0

    out = capsys.readouterr().out
    assert all(words in out for words in expected)
