"""Processes are known by id and start, and only the one that is meant is ever signalled."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from local import processes

WAITING = [sys.executable, "-c", "import sys; sys.stdin.read()"]


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits until it is ended."""
    with subprocess.Popen(WAITING, stdin=subprocess.PIPE, start_new_session=True) as process:
        yield process
        process.kill()


def test_finds_itself() -> None:
    """The running process has an identity that stays the same."""
    assert processes.find(os.getpid()) is not None
    assert processes.find(os.getpid()) == processes.find(os.getpid())


def test_ended_process_is_not_running(child: subprocess.Popen[bytes]) -> None:
    """A process that ended does not run, even while nobody has collected it."""
    process = processes.find(child.pid)
    assert process is not None
    assert processes.is_running(process)

    os.kill(child.pid, signal.SIGKILL)

    assert processes.wait_until(lambda: not processes.is_running(process), timeout_seconds=10)
    assert processes.find(child.pid) is None


def test_recycled_id_is_not_signalled(child: subprocess.Popen[bytes]) -> None:
    """A process that has the id of an earlier one gets no signal that was meant for that one."""
    process = processes.find(child.pid)
    assert process is not None
    earlier = dataclasses.replace(process, started="earlier")

    assert not processes.send(earlier, signal.SIGKILL)

    assert processes.is_running(process)
    assert not processes.is_running(earlier)


def test_signals_the_one_that_is_meant(child: subprocess.Popen[bytes]) -> None:
    """The process itself gets its signal, and afterwards there is nobody to send one to."""
    process = processes.find(child.pid)
    assert process is not None

    assert processes.send(process, signal.SIGTERM)

    assert child.wait(timeout=10) == -signal.SIGTERM
    assert not processes.send(process, signal.SIGTERM)


def test_group_lists_its_members(child: subprocess.Popen[bytes]) -> None:
    """A process that leads a session is a member of its own group, and this test is not."""
    members = processes.group(child.pid)

    assert [member.pid for member in members] == [child.pid]


def test_listing_of_ps_reads_the_same(child: subprocess.Popen[bytes]) -> None:
    """Where there is no /proc, the listing of ps gives ids, groups and starts."""
    try:
        table = dict(processes._table_from_ps([child.pid]))
    except FileNotFoundError:
        pytest.skip("this system has no ps")

    assert table[child.pid].pid == child.pid
    assert table[child.pid].started


def test_waiting_ends_at_its_deadline() -> None:
    """Waiting for what never comes says so."""
    assert not processes.wait_until(lambda: False, timeout_seconds=0.0)
