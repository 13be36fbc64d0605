"""Files of one JSON document a line, read strictly and within bounds: what is wrong is named, never quoted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any, TypeVar, get_args

import msgspec

from messaging.events import Currency, CustomerId, Discount, Identifier, Instant, Price, Priority, Text, explain_invalid

# What one SNS publish takes; no valid document comes near it. A longer line is skipped without being held in memory.
MAX_LINE_BYTES = 256 * 1024

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Document = TypeVar("Document")


class LineError(Exception):
    """One line can't be used; the message is the reason, without text of the line."""


def read_lines(file: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Line numbers from 1 and lines; None stands for a line over MAX_LINE_BYTES. Blank lines are passed over.

    A byte order mark at the very start and CR LF line ends are what some editors write: neither is an error.
    """
    for number, line in enumerate(_bounded_lines(file), start=1):
        if number == 1 and line is not None:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if line is None or line.strip():
            yield number, line


def decode(line: bytes | None, schema: type[Document]) -> Document:
    """The document in a line. Raises LineError with the field and the rule that it breaks."""
    if line is None:
        raise LineError(f"longer than {MAX_LINE_BYTES // 1024} KiB")
    try:
        document = msgspec.json.decode(line, type=schema)
        json.loads(line, object_pairs_hook=_refuse_repeated_key)  # msgspec takes the last of two equal keys
    except msgspec.ValidationError as error:
        raise LineError(explain(error)) from error
    except UnicodeDecodeError as error:
        raise LineError("not UTF-8") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise LineError("not JSON") from error
    return document


def explain(error: msgspec.ValidationError) -> str:
    """The field and the rule that it breaks, for people, without text of the document."""
    rule, _, path = explain_invalid(error).rpartition(" at ")
    for pattern, in_words in _RULES.items():
        if rule.endswith(f"matching regex {pattern!r}"):
            rule = in_words
    if rule == "Invalid enum value":
        rule = f"must be one of {', '.join(_CHOICES.get(path, ()))}"
    where = path.removeprefix("$").removeprefix(".")
    return f"{where}: {rule}" if where else rule


def _bounded_lines(file: IO[bytes]) -> Iterator[bytes | None]:
    while line := file.readline(MAX_LINE_BYTES + 1):
        if len(line) <= MAX_LINE_BYTES or line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE_BYTES)
        yield None


def _refuse_repeated_key(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise LineError("an object has the same key twice")


def _pattern(annotated: Any) -> str:
    (meta,) = annotated.__metadata__
    return str(meta.pattern)


# The rules behind the schema's patterns, for people.
_RULES = {
    _pattern(Price): "must be a decimal number in quotes, with at most four places",
    _pattern(Discount): "must be a decimal number in quotes, from 0 to 1, with at most four places",
    _pattern(CustomerId): "must hold only ASCII letters and digits, and single '.', '_' and '-' between them",
    _pattern(Identifier): "must hold only ASCII letters, digits, '.', '_' and '-'",
    _pattern(Instant): "must be a UTC time such as 1996-07-04T00:00:00Z",
    _pattern(Text): "must be text without control characters",
}


# What a field may be, by its path in an order.
_CHOICES = {"$.priority": get_args(Priority), "$.currency": get_args(Currency)}
