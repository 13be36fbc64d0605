"""The ways to publish that benchmarks/publisher.py compares send what they should."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks import message_server
from benchmarks.consumer_cases import ENVIRONMENT
from benchmarks.publisher_ways import Events, Way, in_batches, in_threads, one_by_one, ours

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def topic() -> Iterator[str]:
    with message_server.apart(0) as endpoint:
        yield endpoint


def told(topic: str) -> dict[str, int]:
    with urllib.request.urlopen(topic) as reply:
        counts: dict[str, int] = json.loads(reply.read())
    return counts


@pytest.mark.parametrize(
    ("way", "customers", "requests"),
    [(ours, 40, 4), (ours, 1, 40), (one_by_one, 40, 40), (in_batches, 40, 4), (in_threads, 40, 40)],
)
def test_every_event_arrives_in_so_many_requests(
    way: Callable[[Events, str], Way], customers: int, requests: int, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten to a request where customers differ; ours never has two of one customer in a batch."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    told(topic)
    way(Events(40, customers), topic)()
    counts = told(topic)
    assert (counts["messages"], counts["requests"]) == (40, requests)  # ours too: its lanes are no more than are full


def test_modules_need_nothing_that_only_bench_installs() -> None:
    """`test` imports the table of all benchmarks, and has neither aiobotocore nor matplotlib."""
    hidden = "import sys; sys.modules.update(aiobotocore=None, matplotlib=None); import benchmarks.registry"
    subprocess.run([sys.executable, "-c", hidden], cwd=ROOT, check=True)
