"""A FIFO topic and a standard one, with queues to subscribe."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from testing.scheduler import Scheduler
from testing.sns import Sns, Topic
from tests.testing.sns.queue import FakeQueue


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler(seed=1)


@pytest.fixture
def sns(scheduler: Scheduler) -> Sns:
    return Sns(scheduler)


@pytest.fixture
def topic(sns: Sns) -> Topic:
    return sns.create_topic("orders.fifo", {"FifoThroughputScope": "MessageGroup"})


@pytest.fixture
def standard(sns: Sns) -> Topic:
    return sns.create_topic("orders")


@pytest.fixture
def queue(scheduler: Scheduler) -> Callable[[str], FakeQueue]:
    """Makes queues by name."""
    return lambda name: FakeQueue(name, scheduler)
