"""A region's queues under a virtual clock, and a client of them."""

from __future__ import annotations

import pytest

from testing.scheduler import Scheduler
from testing.sqs import Client, Sqs


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler(seed=1)


@pytest.fixture
def sqs(scheduler: Scheduler) -> Sqs:
    return Sqs(scheduler)


@pytest.fixture
def client(sqs: Sqs) -> Client:
    return Client(sqs)
