"""docs/faults.md says what the tests prove, and every fault has a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import FAULTS, document, marked, unproved

DOCUMENT = Path(__file__).parents[1] / "docs" / "faults.md"


def test_the_document_shows_the_marks_as_they_are() -> None:
    """Stale? Run: .venv/bin/python -m tests.faults docs/faults.md"""
    assert DOCUMENT.read_text(encoding="utf-8") == document(marked())


def test_every_fault_is_proved() -> None:
    """All 64 of them."""
    assert unproved(marked()) == []
    assert list(FAULTS) == list(range(1, 65))


@pytest.mark.parametrize("mark", ["@pytest.mark.fault(1, 65)", "@pytest.mark.fault('1')", "@pytest.mark.fault()"])
def test_a_mark_that_names_no_fault_is_an_error(mark: str, tmp_path: Path) -> None:
    """With the name of the test."""
    (tmp_path / "test_it.py").write_text(f"class TestIt:\n    {mark}\n    def test_this(self): ...\n")
    with pytest.raises(ValueError, match=r"test_it\.py::TestIt::test_this"):
        marked(tmp_path)


def test_a_fault_without_its_test_is_found(tmp_path: Path) -> None:
    """When the last test of one is gone."""
    (tmp_path / "test_it.py").write_text("@pytest.mark.fault(1)\ndef test_this(): ...\n")
    assert marked(tmp_path) == {1: ["test_it.py::test_this"]}
    assert unproved(marked(tmp_path)) == [number for number in FAULTS if number != 1]
