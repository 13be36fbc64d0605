"""`python3 dev.py supply`: each command does what its help says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from supply import materials, tools
from supply.__main__ import main
from supply.errors import SupplyError
from supply.locks import LAYER, LOCKS, NODE_LOCK


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Sequence[str]]:
    """The commands of tools, which say nothing and do nothing."""
    commands: list[Sequence[str]] = []

    def run(command: Sequence[str], *, folder: Path = tmp_path) -> str:
        commands.append(command)
        return "{}"

    monkeypatch.setattr(tools, "environment", lambda lock: tmp_path)
    monkeypatch.setattr(tools, "run", run)
    return commands


def test_one_command_makes_every_lock(ran: list[Sequence[str]], capsys: pytest.CaptureFixture[str]) -> None:
    """uv makes Python's, those that constrain others first; npm makes Node's, and installs nothing."""
    assert main(["lock"]) == 0
    assert capsys.readouterr().out.split() == [*(lock.file for lock in LOCKS), NODE_LOCK]
    *python, node = ran
    assert [command[command.index("-o") + 1] for command in python] == [lock.file for lock in LOCKS]
    assert all("--generate-hashes" in command and "--upgrade" not in command for command in python)
    assert {"--package-lock-only", "--ignore-scripts"} <= {*node}


def test_locks_are_upgraded_only_when_asked(ran: list[Sequence[str]]) -> None:
    """Else what is pinned stays."""
    assert main(["lock", "--upgrade"]) == 0
    assert all("--upgrade" in command for command in ran[:-1])


def test_the_bills_are_of_what_runs_on_aws_of_what_runs_here_and_of_node(
    ran: list[Sequence[str]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Each where it was asked for."""
    folder = tmp_path / "new" / "sbom"
    assert main(["sbom", str(folder)]) == 0
    names = (materials.FUNCTIONS, materials.ENVIRONMENT, materials.NODE)
    assert capsys.readouterr().out.split() == [str(folder / name) for name in names]
    functions, environment, node = ran
    assert LAYER.file in functions
    assert str(folder / materials.ENVIRONMENT) in environment
    assert "cyclonedx" in node
    assert (folder / materials.NODE).read_text() == "{}"


def test_licences_need_no_tool(ran: list[Sequence[str]], capsys: pytest.CaptureFixture[str]) -> None:
    """A line a package: where it works, its name, its version and its licence."""
    assert main(["licences"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:4] for line in lines if " boto3 " in line] == [
        ["on", "AWS", "boto3", LAYER.pins()["boto3"]],
    ]
    assert ran == []


def test_a_tool_that_fails_is_told_of(
    ran: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its last words."""

    def fail(command: Sequence[str], *, folder: Path = Path()) -> str:
        raise SupplyError("uv pip compile ended with 2:\nno such package")

    monkeypatch.setattr(tools, "run", fail)
    assert main(["lock"]) == 1
    assert "no such package" in capsys.readouterr().err


def test_a_broken_off_environment_is_made_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And a complete one is used as it is."""
    made: list[Sequence[str]] = []

    def run(command: Sequence[str], *, folder: Path = tmp_path) -> str:
        made.append(command)
        if "venv" in command:
            Path(command[-1]).mkdir()
        elif len(made) == 2:
            raise SupplyError("interrupted")
        return ""

    monkeypatch.setattr(tools, "run", run)
    with pytest.raises(SupplyError):
        tools.environment(LAYER, tmp_path)
    made_at = tools.environment(LAYER, tmp_path)
    assert len(made) == 4
    assert tools.environment(LAYER, tmp_path) == made_at
    assert len(made) == 4
