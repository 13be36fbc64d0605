"""Input files of the demo, opened so that one that can't be read is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from local.errors import LocalError
from messaging import ndjson


class InputError(LocalError):
    """The input as a whole can't be used; says which file and what to do."""


def read_lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """What `messaging.ndjson.read_lines` gives of a file. Raises InputError where it can't be read."""
    try:
        with path.open("rb") as file:
            yield from ndjson.read_lines(file)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'not readable'}") from error
