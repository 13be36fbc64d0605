"""Every lock has hashes, names no place, is of its source, and was written by the documented command."""

from __future__ import annotations

import json
import re
import zipfile
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess

import pytest

import dev
from stacks import layer
from supply import tools
from supply.locks import DEV, LAYER, LOCKS, NODE_LOCK, ROOT, RUN, Lock, pinned

EACH = pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
WHEEL = "planted-1.0-py3-none-any.whl"


def unhashed(text: str) -> set[str]:
    """Requirements of a lock that any file would satisfy."""
    hashed = re.findall(
        r"^([\w.-]+)(?:\[[\w,]+\])?==[^\n]*\\\n    --hash=sha256:[0-9a-f]{64}", text, flags=re.MULTILINE
    )
    return {
        line.split()[0] for line in text.splitlines() if line[:1].isalnum() and line.partition("==")[0] not in hashed
    }


@EACH
@pytest.mark.fault(64)
def test_every_package_of_a_lock_has_its_hashes(lock: Lock) -> None:
    """And its version; no package comes from an address, an index of its own or a folder of this machine."""
    text = (ROOT / lock.file).read_text(encoding="utf-8")
    assert lock.pins()
    assert unhashed(text) == set()
    assert "://" not in text
    assert "index-url" not in text
    assert not re.search(r"(?m)^(-e|\.|/)|\s/\w", text)


def test_a_package_without_hashes_is_found() -> None:
    """The test above would see it."""
    text = (ROOT / LAYER.file).read_text(encoding="utf-8")
    assert unhashed(text + "planted==1.0\n") == {"planted==1.0"}
    assert unhashed(text + "planted @ https://example.com/planted.whl\n") == {"planted"}


@EACH
def test_a_lock_is_of_its_source(lock: Lock) -> None:
    """Every version that is asked for is the one that is installed: whoever edits the source makes the locks anew."""
    asked = pinned((ROOT / lock.source).read_text(encoding="utf-8"))
    assert asked
    assert asked.items() <= lock.pins().items()


@EACH
def test_a_lock_was_written_by_the_documented_command(lock: Lock) -> None:
    """uv notes at its head with which options."""
    head = (ROOT / lock.file).read_text(encoding="utf-8").splitlines()[1]
    assert head.removeprefix("#").split() == [word for word in lock.command(Path("uv")) if word != "--quiet"]


def test_what_runs_on_aws_is_what_is_tested() -> None:
    """The layer's versions are those of the environment here, and the tests' lock contradicts no other."""
    here = RUN.pins() | DEV.pins()
    assert LAYER.pins().items() <= here.items()
    assert {name for name, version in RUN.pins().items() if DEV.pins().get(name, version) != version} == set()


def test_every_requirements_file_is_one_that_the_command_writes() -> None:
    """None is forgotten."""
    assert {path.name for path in ROOT.glob("requirements*.txt")} == {lock.file for lock in LOCKS}
    assert {dev.RUN_LOCK, dev.DEV_LOCK, dev.BENCH_LOCK, dev.NODE_LOCK} <= {lock.file for lock in LOCKS} | {NODE_LOCK}


@pytest.mark.fault(64)
def test_nodes_lock_has_hashes() -> None:
    """Of each package, and no address."""
    locked = json.loads((ROOT / NODE_LOCK).read_text(encoding="utf-8"))["packages"]
    packages = {name: each for name, each in locked.items() if name}
    assert packages
    assert [name for name, each in packages.items() if not each["integrity"].startswith("sha512-")] == []
    assert [name for name, each in packages.items() if "resolved" in each] == []


def planted(folder: Path) -> str:
    """A wheel, and the hash that it has."""
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("planted.py", "")
        wheel.writestr("planted-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
        wheel.writestr("planted-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("planted-1.0.dist-info/RECORD", "planted.py,,\n")
    return sha256((folder / WHEEL).read_bytes()).hexdigest()


@pytest.mark.fault(64)
def test_a_package_that_was_tampered_with_is_not_installed(tmp_path: Path) -> None:
    """The refusal names the hash that it has; nothing else is wrong with it."""
    lock, target, has = tmp_path / "lock.txt", tmp_path / "target", planted(tmp_path)
    lock.write_text(f"planted==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    command = tools.install_command(tmp_path / "python", lock)
    command[command.index("--python") : command.index("install")] = []  # into a folder, and not into a venv
    refused = tools.answer([*command, "--no-index", "--find-links", str(tmp_path), "--target", str(target)])
    assert refused.returncode != 0
    assert "DO NOT MATCH THE HASHES" in refused.stderr
    assert has in refused.stderr
    assert not target.exists()


def test_every_installer_asks_for_hashes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """That of the environment, that of the tools, and that of the functions' layer; with uv see test_dev.py."""
    commands = [[*dev.PIP_OPTIONS], tools.install_command(Path("python"), Path("lock"))]

    def note(command: list[str], **_: object) -> CompletedProcess[str]:
        commands.append(command)
        return CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("stacks.layer.subprocess.run", note)
    layer._install(layer.LOCK, tmp_path)
    assert len(commands) == 3
    assert all("--require-hashes" in command and "--no-deps" in command for command in commands)
