"""A store with two tables, and a client on it."""

from __future__ import annotations

import pytest

from testing.dynamodb import Client, Store


class Clock:
    """Epoch seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Store:
    made = Store(clock)
    made.create_table("plain", "id", stream_view="NEW_AND_OLD_IMAGES", time_to_live="expires_at")
    made.create_table("sorted", "id", "at", types={"at": "N"})
    return made


@pytest.fixture
def client(store: Store) -> Client:
    return Client(store)
