"""A region of its own for every test."""

from __future__ import annotations

import pytest

from tests.testing.functions.region import Region


@pytest.fixture
def region() -> Region:
    return Region()
