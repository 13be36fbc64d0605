"""One at a time: a lock on a file, held for as long as a block runs, and by nobody after its process is gone."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from local.errors import LocalError


@contextlib.contextmanager
def alone(path: Path, *, waiting: Callable[[], None]) -> Iterator[None]:
    """Run the block while nobody else has the lock; `waiting` is called where somebody has.

    Raises LocalError where the lock's folder can't be written.
    """
    try:
        path.parent.mkdir(exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise LocalError(
            f"{path.parent} can not be written ({error.strerror}): check the disk and its rights"
        ) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
