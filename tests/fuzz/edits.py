"""Edits of a message's bytes, drawn from a seed: the same seed makes the same inputs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

# What parsers and validators stumble over, beside bytes of no meaning.
_TOKENS: tuple[bytes, ...] = (
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b"null", b"true", b"-", b".", b"e", b"0", b" ", b"\n", b"\x00"),
    *(
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"-0",
        b"0.1",
        b"1E400",
        b"9" * 20,
        b"9" * 400,
        b"9" * 4301,
        b"18446744073709551616",
    ),
    *(
        b"\\ud800",
        b"\\udc00\\ud800",
        b"\\u0000",
        b"\\u",
        b"\\x",
        b"\xed\xa0\x80",
        b"\xff",
        b"\xc3\x28",
        b"\xef\xbb\xbf",
    ),
    *(b"\xe2\x80\xa8", b"[" * 33, b"]" * 33, b'{"a":' * 33, b"}" * 33, b'"id":"1",', b'"data":{},', b'"x":1,'),
    *(
        b'"x` - at `$.x":1,',
        b"urn:waybill:OrderPlaced:2",
        b"urn:waybill:OrderPlaced:0",
        b"OrderCancelled",
        b"\\n",
        b"/*",
    ),
    *(b"0001-01-01T00:00:00Z", b"9999-12-31T23:59:60-23:59", b"2026-02-30T10:00:00Z", b"\xf0\x9f\x98\x80", b"\x7f"),
)
_MOST_EDITS = 4
_LONGEST_SLICE = 40


def edited(bodies: Sequence[str], count: int, seed: str) -> Iterator[str]:
    """`count` inputs, each one of `bodies` with one to four edits.

    Bytes that are no UTF-8 become lone surrogates: what SQS hands over is text, and this is as near as text comes.
    """
    source = random.Random(seed)
    originals = [body.encode() for body in bodies]
    for _ in range(count):
        text = bytearray(originals[int(source.random() * len(originals))])
        for _ in range(1 + int(source.random() ** 2 * _MOST_EDITS)):
            _edit(text, source, originals)
        yield text.decode("utf-8", "surrogateescape")


def _edit(text: bytearray, source: random.Random, originals: Sequence[bytes]) -> None:
    kind, at = int(source.random() * 9), int(source.random() * len(text)) if text else 0
    end = min(len(text), at + 1 + int(source.random() * _LONGEST_SLICE))
    match kind:
        case 0 if text:
            text[at] ^= 1 << int(source.random() * 8)
        case 1 if text:
            text[at] = int(source.random() * 256)
        case 2 if text:
            text[at] = 32 + int(source.random() * 95)  # a letter for another is what validators see
        case 3:
            text[at:at] = _TOKENS[int(source.random() * len(_TOKENS))]
        case 4:
            text[at:end] = _TOKENS[int(source.random() * len(_TOKENS))]
        case 5:
            del text[at:end]
        case 6:
            text[at:at] = text[at:end]
        case 7:
            other = originals[int(source.random() * len(originals))]
            start = int(source.random() * len(other))
            text[at:end] = other[start : start + end - at]
        case _:
            _renumber(text, source, at)


def _renumber(text: bytearray, source: random.Random, at: int) -> None:
    """Another number in place of the next one after `at`."""
    while at < len(text) and not 48 <= text[at] <= 57:
        at += 1
    end = at
    while end < len(text) and 48 <= text[end] <= 57:
        end += 1
    text[at:end] = str(int(10 ** (source.random() * 25)) - 2).encode()
