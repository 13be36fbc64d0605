"""Private engines in temporary folders, stopped when their test ends; and waiting without sleeping."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local import engine, processes
from local.clients import client
from local.engine import Engine

DEADLINE_SECONDS = 30.0


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition holds; fail with `what` when it does not in time."""
    if not processes.wait_until(lambda: bool(condition()), DEADLINE_SECONDS):
        pytest.fail(f"not within {DEADLINE_SECONDS:.0f} s: {what}")


def zipped(source: str) -> bytes:
    """A function's code, as Lambda takes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", source)
    return buffer.getvalue()


def map_function(running: Engine, source: str, **variables: str) -> str:
    """A queue, and a function on it. Returns the queue's URL."""
    functions, sqs = client(running.endpoint, "lambda"), client(running.endpoint, "sqs")
    functions.create_function(
        FunctionName="consumer",
        Runtime="python3.13",
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": zipped(source)},
        Timeout=5,
        Environment={"Variables": variables},
    )
    url: str = sqs.create_queue(QueueName="work")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    functions.create_event_source_mapping(EventSourceArn=arn, FunctionName="consumer")
    return url


def depth(running: Engine, url: str) -> int:
    """How many messages a queue holds, in flight or not."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes: dict[str, Any] = client(running.endpoint, "sqs").get_queue_attributes(
        QueueUrl=url, AttributeNames=names
    )
    return sum(int(value) for value in attributes["Attributes"].values())


def end(state_dir: Path) -> None:
    """Stop the engine of this folder, if one runs."""
    running = engine.find(state_dir)
    if running is not None:
        engine.stop(running)


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    """A folder for one engine, which is stopped at the end."""
    folder = tmp_path / "engine"
    with contextlib.ExitStack() as stack:
        stack.callback(end, folder)
        yield folder


@pytest.fixture
def running(state_dir: Path) -> Engine:
    """A private engine."""
    return engine.start(state_dir)
