"""The processes that benchmarks/consumer.py needs: DynamoDB, SQS, and the one that is measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import message_server
from benchmarks.consumer_cases import ENVIRONMENT, SERVED

ROOT = Path(__file__).resolve().parents[1]
SQS_LATENCY_MS = 4.0

# By case, by side, the rounds' costs.
Costs = dict[str, dict[str, list[dict[str, Any]]]]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the measured process finds AWS."""

    dynamodb: str
    sqs: str

    @property
    def environment(self) -> dict[str, str]:
        """For a child process."""
        own = {"AWS_ENDPOINT_URL": self.dynamodb, "AWS_ENDPOINT_URL_SQS": self.sqs}
        return {**os.environ, **ENVIRONMENT, **own}


@contextmanager
def servers(*, serial: bool = False) -> Iterator[Endpoints]:
    """A DynamoDB with all tables, and an SQS. `serial`: statements of one request run one after another."""
    command = [sys.executable, "-m", "testing.dynamodb.server", "--tables", *SERVED, *(["--serial"] if serial else [])]
    with (
        message_server.apart(SQS_LATENCY_MS) as sqs,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server,
    ):
        assert server.stdout is not None
        try:
            yield Endpoints(json.loads(server.stdout.readline())["endpoint"], sqs)
        finally:
            server.terminate()


def measured(
    endpoints: Endpoints,
    rounds: int,
    names: Sequence[str],
    limited: Callable[[int], AbstractContextManager[None]] = lambda _: nullcontext(),
) -> tuple[float, Costs]:
    """The share of a CPU that the measured process got, and the costs of each case and side."""
    command = [sys.executable, "-m", "benchmarks.consumer_worker", endpoints.dynamodb, str(rounds), *names]
    with subprocess.Popen(
        command, cwd=ROOT, env=endpoints.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            if worker.stdout.readline() != "ready\n":
                raise RuntimeError("the measured process ended before it was ready")
            with limited(worker.pid):
                worker.stdin.write("go\n")
                worker.stdin.flush()
                report = json.loads(worker.stdout.readline())
        finally:
            worker.terminate()
    return report["share"], report["costs"]
