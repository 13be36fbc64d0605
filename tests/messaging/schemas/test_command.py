"""`python -m messaging.schemas`: writes, checks, and never writes over what it would refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from messaging.events import OrderPlaced
from messaging.schemas.__main__ import main
from messaging.schemas.catalogue import CURRENT
from tests.messaging.schemas.planted import catalogue, variant

NARROWER = catalogue(variant(OrderPlaced, without="currency"))
WIDER = catalogue(variant(OrderPlaced, note=(str, "")))
SECOND = catalogue(variant(OrderPlaced, version=2, note=str), upcasts={("OrderPlaced", 1): dict[str, Any]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The documents of the last release."""
    assert main([str(tmp_path)]) == 0
    return tmp_path


def test_the_check_of_the_code_passes_in_every_mode(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing has changed since the documents were committed."""
    assert [main(["check", "--mode", mode]) for mode in ("backward", "forward", "full")] == [0, 0, 0]
    assert capsys.readouterr().out == ""


def test_a_breaking_change_fails_the_check_with_its_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And what is stale is told beside it."""
    assert main(["check"], NARROWER, folder) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("refused: urn:waybill:OrderPlaced:1 $.currency: field removed") for line in lines)
    assert "stale: OrderPlaced.1.json is not what the code says; run python -m messaging.schemas schemas/" in lines


def test_a_compatible_change_fails_until_it_is_written(folder: Path) -> None:
    """The folder is what others read."""
    assert main(["check"], WIDER, folder) == 1
    assert main([str(folder)], WIDER) == 0
    assert main(["check"], WIDER, folder) == 0


def test_a_breaking_change_is_not_written(folder: Path) -> None:
    """Otherwise writing would open the gate."""
    before = (folder / "OrderPlaced.1.json").read_text(encoding="utf-8")
    assert main([str(folder)], NARROWER) == 1
    assert main([str(folder), "--mode", "full"], WIDER) == 1
    assert (folder / "OrderPlaced.1.json").read_text(encoding="utf-8") == before


def test_what_was_never_released_may_be_written_over(folder: Path) -> None:
    """While an event is being designed."""
    assert main([str(folder), "--unreleased"], NARROWER) == 0
    assert main(["check"], NARROWER, folder) == 0


def test_the_document_of_an_older_version_stays(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its messages may still come out of a queue."""
    assert main([str(folder)], SECOND) == 0
    assert "note: OrderPlaced 2 is new" in capsys.readouterr().out
    assert (folder / "OrderPlaced.1.json").exists()
    assert (folder / "OrderPlaced.2.json").exists()
    assert main(["check", "--mode", "full"], SECOND, folder) == 0


def test_the_documents_of_any_release_can_be_held_against_the_code(folder: Path, tmp_path: Path) -> None:
    """Those of the last tag, say, where several changes were committed since."""
    (tmp_path / "now").mkdir()
    assert main([str(tmp_path / "now")], NARROWER) == 0
    assert main(["check"], NARROWER, tmp_path / "now") == 0
    assert main(["check", "--against", str(folder)], NARROWER, tmp_path / "now") == 1
    assert main(["check", "--against", str(folder)], CURRENT, tmp_path / "now") == 0


def test_a_folder_without_documents_is_no_release(tmp_path: Path) -> None:
    """A wrong path must not pass for nothing to compare with."""
    assert main(["check", "--against", str(tmp_path / "missing")]) == 1
