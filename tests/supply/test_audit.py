"""A known vulnerability fails the audit, silence is no all-clear, and a broken tool is neither."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from supply import audit, tools
from supply.errors import SupplyError, Unreachable
from supply.locks import LAYER, LOCKS, NODE_LOCK, TOOLS, Lock

RECORDED = Path(__file__).parent / "recorded"
PYTHON = json.loads((RECORDED / "pip_audit.json").read_text())
NODE = json.loads((RECORDED / "npm_audit.json").read_text())
SOUND_NODE = {**NODE, "vulnerabilities": {}}
SOUND_PYTHON = {"dependencies": [{**each, "vulns": []} for each in PYTHON["dependencies"]], "fixes": []}
# As pip-audit says it, with exit code 0, of a mirror that has files alone.
SKIPPED = [{"name": "six", "skip_reason": "Dependency not found on PyPI and could not be audited: six (1.17.0)"}]
NO_NETWORK = (
    "requests.exceptions.ConnectionError: Max retries exceeded with url: /pypi/six/1.17.0/json "
    '(Caused by NameResolutionError("Failed to resolve"))'
)
# The first line of what npm 11 prints for a registry without advisories.
NO_ADVISORIES = {"message": "405 Method Not Allowed - POST /-/npm/v1/security/advisories/bulk", "statusCode": 405}


def saying(python: Any, node: Any = SOUND_NODE, words: str = "") -> Callable[[Sequence[str]], CompletedProcess[str]]:
    """Tools that answer with these documents; with these words on standard error where there is none."""

    def ask(command: Sequence[str]) -> CompletedProcess[str]:
        document = python if "pip_audit" in command else node
        text = "" if document is None else json.dumps(document)
        return CompletedProcess([*command], 1 if document is None else 0, text, words)

    return ask


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The tools, as if they were."""
    monkeypatch.setattr(tools, "environment", lambda lock: tmp_path)


def told(ask: audit.Ask) -> tuple[int, list[str]]:
    """The exit code, and the lines."""
    lines: list[str] = []
    return audit.verdict(audit.audits(ask), lines.append), lines


def test_every_lock_is_audited_and_what_runs_on_aws_first() -> None:
    """A line each."""
    code, lines = told(saying(SOUND_PYTHON))
    assert code == 0
    assert [line.partition(":")[0] for line in lines] == [
        LAYER.file,
        *(lock.file for lock in LOCKS if lock is not LAYER),
        NODE_LOCK,
    ]
    assert lines[0] == "requirements-layer.txt: no vulnerability is known in 2 packages"


@pytest.mark.fault(64)
@pytest.mark.parametrize(
    ("ask", "line"),
    [
        (
            saying(PYTHON),
            "requirements-layer.txt: urllib3 2.8.0: PYSEC-2099-1, mended in 2.8.1: python3 dev.py supply lock",
        ),
        (
            saying(SOUND_PYTHON, NODE),
            "package-lock.json: aws-cdk <=2.1148.1: https://github.com/advisories/GHSA-aaaa-bbbb-cccc, "
            "pin another in package.json: python3 dev.py supply lock",
        ),
    ],
    ids=["Python", "Node"],
)
def test_a_known_vulnerability_fails_and_is_named_with_its_mend(ask: audit.Ask, line: str) -> None:
    """Planted, in what the tools really print."""
    code, lines = told(ask)
    assert code == 1
    assert line in lines


def test_one_that_does_no_harm_here_needs_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the code; then it is told, and fails nothing."""
    monkeypatch.setattr(audit, "ACCEPTED", {"PYSEC-2099-1": "no function of ours opens a proxy"})
    code, lines = told(saying(PYTHON))
    assert code == 0
    assert "requirements-layer.txt: urllib3 2.8.0: PYSEC-2099-1, accepted: no function of ours opens a proxy" in lines


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (saying({"dependencies": SKIPPED}), "Dependency not found on PyPI"),
        (saying(None, words=NO_NETWORK), "Failed to resolve"),
    ],
    ids=["a mirror of files", "no network"],
)
def test_without_an_answer_nothing_fails_and_nothing_is_said_to_be_sound(ask: audit.Ask, why: str) -> None:
    """And nobody is asked about the other locks."""
    code, (line, of_node) = told(ask)
    assert code == 0
    assert line.startswith("requirements-layer.txt: NOT AUDITED, there was no answer: ")
    assert why in line
    assert of_node == "package-lock.json: no vulnerability is known in 1 packages"


def test_a_registry_without_advisories_is_told() -> None:
    """npm fails there, whatever is installed."""
    code, lines = told(saying(SOUND_PYTHON, NO_ADVISORIES))
    assert code == 0
    assert lines[-1].startswith("package-lock.json: NOT AUDITED, there was no answer: ")
    assert "405 Method Not Allowed" in lines[-1]


def test_a_package_that_alone_is_unknown_fails() -> None:
    """The index knows the others: so where does this one come from?"""
    code, lines = told(saying({"dependencies": [*SOUND_PYTHON["dependencies"], *SKIPPED]}))
    assert code == 1
    assert "requirements-layer.txt: not known to the index, so not audited: six" in lines


def test_without_the_tools_nothing_fails_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that never had a network since they changed."""

    def unreachable(lock: Lock) -> Path:
        raise Unreachable("No matching distribution found for uv==0.13.9")

    monkeypatch.setattr(tools, "environment", unreachable)
    code, lines = told(saying(SOUND_PYTHON))
    assert code == 0
    assert lines == [f"{TOOLS.file}: NOT AUDITED, there was no answer: No matching distribution found for uv==0.13.9"]


@pytest.mark.parametrize("broken", [None, {"surprise": 1}], ids=["silent", "another answer"])
def test_a_broken_tool_is_an_error_and_not_silence(broken: Any) -> None:
    """Else a gate that never works would pass for one without a network."""
    with pytest.raises(SupplyError, match="ended with") as error:
        told(saying(broken, words="ModuleNotFoundError: No module named 'pip_audit'"))
    assert not isinstance(error.value, Unreachable)
