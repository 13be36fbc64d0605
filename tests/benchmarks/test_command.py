"""The command: what it prints, what it writes, and its exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import registry
from benchmarks.quantities import Benchmark, Quantity, Result, count


def gives(*quantities: Quantity) -> Callable[[bool], Result]:
    return lambda _: Result(quantities)


def breaks(_: bool) -> Result:
    raise RuntimeError("no engine")


def has(monkeypatch: pytest.MonkeyPatch, **families: Callable[[bool], Result]) -> None:
    """These benchmarks and no other."""
    benchmarks = tuple(Benchmark(family, family, measure) for family, measure in families.items())
    monkeypatch.setattr(registry, "BENCHMARKS", benchmarks)


@pytest.fixture(autouse=True)
def last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the numbers of the last run lie."""
    path = tmp_path / ".waybill" / "bench.json"
    monkeypatch.setattr(command, "LAST", path)
    return path


@pytest.mark.parametrize(("calls", "code"), [(1, 0), (2, 1)])
def test_a_missed_gate_is_named_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], calls: int, code: int
) -> None:
    """Else the exit code is 0."""
    has(monkeypatch, consumer=gives(count("round trips", "", [calls], at_most=1)))
    assert command.main([]) == code
    told = capsys.readouterr()
    assert "round trips" in told.out
    assert ("gate missed: round trips" in told.err) is (code == 1)
    assert "s in all" in told.err


def test_the_numbers_are_written_always(monkeypatch: pytest.MonkeyPatch, last: Path, tmp_path: Path) -> None:
    """As JSON, into the file of the last run, and into one that is named."""
    has(monkeypatch, consumer=gives(count("round trips", "", [1])))
    command.main([])
    command.main(["--json", str(tmp_path / "mine.json")])
    for path in (last, tmp_path / "mine.json"):
        (family,) = json.loads(path.read_text())
        assert (family["family"], family["quantities"][0]["median"]) == ("consumer", 1)
        assert "boto3" in family["packages"]


def test_what_breaks_takes_nothing_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], last: Path
) -> None:
    """The other families are measured and told, and the command fails."""
    has(monkeypatch, cold_start=breaks, consumer=gives(count("round trips", "", [1])))
    assert command.main([]) == 1
    told = capsys.readouterr()
    assert "round trips" in told.out
    assert "not measured: cold_start" in told.err
    assert [each["family"] for each in json.loads(last.read_text())] == ["consumer"]


@pytest.mark.parametrize(
    "arguments", [["--plots", "--short"], ["contention", "--plots"], ["cost", "--json", "missing/c.json"], ["all"]]
)
def test_what_makes_no_sense_is_refused_before_anything_is_measured(arguments: list[str]) -> None:
    """A plot of half a family would take the place of a whole one; a mistyped folder is not made."""
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments)
    assert stopped.value.code == 2


def test_json_alone_goes_to_stdout(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """For other programs."""
    has(monkeypatch, consumer=gives(count("round trips", "", [1])))
    command.main(["--json", "-"])
    assert [each["family"] for each in json.loads(capsys.readouterr().out)] == ["consumer"]
