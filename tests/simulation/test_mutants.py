"""The mutants of `dev.py check` are of the code as it is now."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_patch_fits_in_one_place(mutant: Mutant) -> None:
    """Else `check` would learn of it an hour later."""
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.before) == 1
    assert mutant.before != mutant.after
