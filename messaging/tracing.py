"""Trace contexts: W3C's `traceparent`, read strictly, and X-Ray's header, each as the other.

Sources: https://www.w3.org/TR/trace-context/#traceparent-header and
https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

# Says in which trace its caller works now: a `traceparent`, or None where there is none.
TraceContextSource = Callable[[], str | None]

# A later version than ours may have more fields behind these four, and `ff` is none.
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?")
_ROOT = re.compile(r"1-([0-9a-f]{8})-([0-9a-f]{24})")
_PARENT = re.compile(r"[0-9a-f]{16}")
_MOST_CHARACTERS = 512  # of what others send us: more than either header ever has
_NO_TRACE, _NO_PARENT = "0" * 32, "0" * 16


class TraceContext(msgspec.Struct, frozen=True):
    """One span of one trace, ids in lowercase hexadecimal: 32 digits of the trace, 16 of the span. `sampled`: whether
    its caller records it."""

    trace_id: str
    parent_id: str
    sampled: bool

    @property
    def traceparent(self) -> str:
        """As W3C writes it, in version 00."""
        return f"00-{self.trace_id}-{self.parent_id}-{'01' if self.sampled else '00'}"

    @property
    def xray_header(self) -> str:
        """As X-Ray writes it. It takes any trace id of W3C's, though its own begin with a time.

        Source: https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids
        """
        root = f"1-{self.trace_id[:8]}-{self.trace_id[8:]}"
        return f"Root={root};Parent={self.parent_id};Sampled={'1' if self.sampled else '0'}"


def parse_traceparent(text: object) -> TraceContext | None:
    """The context of a `traceparent`, None for anything else: who breaks a trace must break nothing else.

    Of a version after 00 the fields are taken that it shares with 00, as W3C demands; flags but `sampled` are dropped.
    """
    if not isinstance(text, str) or len(text) > _MOST_CHARACTERS:
        return None
    match = _TRACEPARENT.fullmatch(text)
    if match is None:
        return None
    version, trace_id, parent_id, flags, more = match.groups()
    if trace_id == _NO_TRACE or parent_id == _NO_PARENT or (version == "00" and more is not None):
        return None
    return TraceContext(trace_id, parent_id, bool(int(flags, 16) & 1))


def parse_xray_header(text: object) -> TraceContext | None:
    """The context of an X-Ray header; None for anything else, and where it names no parent: W3C has no such thing.

    Fields may come in any order, and there may be others (`Self`, `Lineage`). An undecided `Sampled=?` is not sampled.
    """
    if not isinstance(text, str) or len(text) > _MOST_CHARACTERS:
        return None
    fields = dict(field.strip().partition("=")[::2] for field in text.split(";"))
    root, parent_id = _ROOT.fullmatch(fields.get("Root", "")), fields.get("Parent", "")
    if root is None or _PARENT.fullmatch(parent_id) is None:
        return None
    trace_id = root[1] + root[2]
    if trace_id == _NO_TRACE or parent_id == _NO_PARENT:
        return None
    return TraceContext(trace_id, parent_id, fields.get("Sampled") == "1")


def clean_traceparent(text: object) -> str | None:
    """A `traceparent` as we write it, or None for what is none."""
    context = None if text is None else parse_traceparent(text)
    return None if context is None else context.traceparent


def traceparent_of_xray(header: object) -> str | None:
    """An X-Ray header as a `traceparent`, such as the one that Lambda has in the variable `_X_AMZN_TRACE_ID`; None for
    what is none."""
    context = None if header is None else parse_xray_header(header)
    return None if context is None else context.traceparent


def untraced() -> str | None:
    """The source of those who have no trace."""
    return None


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace's id in a `traceparent` that is one, for logs."""
    return None if traceparent is None else traceparent[3:35]
