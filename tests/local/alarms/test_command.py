"""The command: exit codes, and errors that say what to do. What it shows is seen on the engine, in tests/flow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import __main__ as command
from local import engine
from local.alarms import opening
from local.alarms.definitions import read_alarms
from local.alarms.evaluation import State
from local.alarms.watch import Status
from local.engine import Engine
from local.processes import Process
from tests.local.alarms.templates import alarm_template, names


class FakeWatcher:
    """Looks that were decided beforehand: a state each."""

    def __init__(self, *states: State) -> None:
        template = alarm_template()
        (alarm,) = read_alarms(template, names(template))
        self._looks = [[Status(alarm=alarm, state=state, since=None, reason=f"is {state}")] for state in states]
        self.options: dict[str, Any] = {}

    def look(self) -> list[Status]:
        return self._looks[0]

    def looks(self) -> Iterator[list[Status]]:
        yield from self._looks


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Makes the command look at such a watcher."""

    def watch(*states: State) -> FakeWatcher:
        watcher = FakeWatcher(*states)

        def open_fake(*_: object, **options: Any) -> FakeWatcher:
            watcher.options = options
            return watcher

        monkeypatch.setattr(opening, "open_alarms", open_fake)
        monkeypatch.setattr(engine, "find", lambda folder: Engine(folder, 1, Process(1, "now")))
        return watcher

    return watch


@pytest.mark.parametrize(
    ("arguments", "state", "code"),
    [([], "OK", 0), ([], "ALARM", 0), (["--fail-on-alarm"], "OK", 0), (["--fail-on-alarm"], "ALARM", 7)],
)
def test_exit_codes(watching: Any, arguments: list[str], state: State, code: int) -> None:
    """A red alarm is an error only where that was asked for."""
    watching(state)
    assert command.main(["alarms", *arguments]) == code


def test_json_is_a_line_for_each_look(watching: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Every alarm in each."""
    watching("OK", "ALARM")
    assert command.main(["alarms", "--watch", "-o", "json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["alarms"][0]["state"] for line in lines] == ["OK", "ALARM"]


@pytest.mark.parametrize(("state", "said"), [("OK", "0 of 1 alarms are red"), ("ALARM", "1 of 1 alarms are red: Odd")])
def test_the_last_line_says_what_is_red(
    watching: Any, capsys: pytest.CaptureFixture[str], state: State, said: str
) -> None:
    """A table of sixty alarms scrolls its top away."""
    watching(state)
    command.main(["alarms"])
    assert capsys.readouterr().out.splitlines()[-1] == said


def test_watching_shows_the_table_and_then_changes(watching: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """What stays as it is, is not said again; the first red one ends it where that was asked for."""
    watching("OK", "OK", "ALARM", "OK")
    assert command.main(["alarms", "--watch", "--fail-on-alarm"]) == 7
    out = capsys.readouterr().out
    assert "Consumer" in out
    assert out.splitlines()[-1] == "Odd: OK -> ALARM: is ALARM"


def test_a_minute_may_be_short(watching: Any) -> None:
    """Without the option it is as long as last time."""
    watcher = watching("OK")
    command.main(["alarms", "--minute", "2"])
    assert watcher.options["minute_seconds"] == 2
    command.main(["alarms"])
    assert watcher.options["minute_seconds"] is None


@pytest.mark.parametrize("length", ["0", "61", "-1", "nan", "soon"])
def test_other_minutes_are_refused(length: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the bounds."""
    with pytest.raises(SystemExit):
        command.main(["alarms", "--minute", length])
    assert "from 0.1 to 60 seconds" in capsys.readouterr().err


def test_without_an_engine_the_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, one line."""
    monkeypatch.setattr(engine, "find", lambda folder: None)
    assert command.main(["alarms"]) == 1
    assert capsys.readouterr().err == "waybill: the engine does not run: run python3 dev.py up\n"
