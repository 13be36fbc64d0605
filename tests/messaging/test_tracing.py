"""Trace contexts: what is one, what is none, and W3C's form as X-Ray's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.tracing import (
    TraceContext,
    clean_traceparent,
    parse_traceparent,
    parse_xray_header,
    trace_id_of,
    traceparent_of_xray,
)

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
HEADER = f"Root=1-0af76519-16cd43dd8448eb211c80319c;Parent={SPAN};Sampled=1"

hexadecimal = st.sampled_from("0123456789abcdef")
contexts = st.builds(
    TraceContext,
    st.text(hexadecimal, min_size=32, max_size=32).filter(lambda text: text.strip("0")),
    st.text(hexadecimal, min_size=16, max_size=16).filter(lambda text: text.strip("0")),
    st.booleans(),
)

NONE: list[object] = [
    *("", " ", "00", "x", f" {TRACEPARENT}", f"{TRACEPARENT} ", f"{TRACEPARENT}\n", TRACEPARENT.upper()),
    f"00-{'0' * 32}-{SPAN}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"ff-{TRACE}-{SPAN}-01",
    f"00-{TRACE}-{SPAN}-01-more",  # 00 has four fields
    f"00-{TRACE}-{SPAN}-1",
    f"00-{TRACE[:-1]}-{SPAN}-01",
    f"00-{TRACE[:-1]}é-{SPAN}-01",
    f"00-{TRACE[:-1]}٣-{SPAN}-01",  # a digit, but not ours
    f"cc-{TRACE}-{SPAN}-01more",
    f"cc-{TRACE}-{SPAN}-01-{'x' * 500}",
    *(None, 5, True, {}, [TRACEPARENT], TRACEPARENT.encode()),
]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_traceparent_is_none(text: object) -> None:
    """Whatever type it has, and however near it comes."""
    assert parse_traceparent(text) is None
    assert clean_traceparent(text) is None


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (TRACEPARENT, TRACEPARENT),
        (f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-00"),
        (f"00-{TRACE}-{SPAN}-03", TRACEPARENT),
        (f"00-{TRACE}-{SPAN}-02", f"00-{TRACE}-{SPAN}-00"),
        (f"cc-{TRACE}-{SPAN}-01", TRACEPARENT),
        (f"cc-{TRACE}-{SPAN}-01-what-comes", TRACEPARENT),
    ],
)
def test_later_versions_and_unknown_flags_become_what_we_know(text: str, clean: str) -> None:
    """As W3C demands of who passes them on."""
    assert clean_traceparent(text) == clean


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        HEADER.replace(";", "; "),
        f"Sampled=1;Parent={SPAN};Root=1-0af76519-16cd43dd8448eb211c80319c",
        f"Self=1-67891234-abcdef012345678912345678;{HEADER};Lineage=1:a87bd80c:0",
    ],
)
def test_an_xray_header_is_read_whatever_else_it_holds(header: str) -> None:
    """In any order."""
    assert traceparent_of_xray(header) == TRACEPARENT


@pytest.mark.parametrize("sampled", ["0", "?", ""])
def test_what_is_not_surely_sampled_is_not(sampled: str) -> None:
    """A decision that is left to others is none."""
    assert traceparent_of_xray(HEADER.replace("Sampled=1", f"Sampled={sampled}")) == f"00-{TRACE}-{SPAN}-00"


@pytest.mark.parametrize(
    "header",
    [
        *("", "Root", ";;;", "Root=;Parent=;Sampled=", "x" * 600, None, 7, b"Root"),
        HEADER.replace(f"Parent={SPAN};", ""),  # W3C has no trace without a parent
        HEADER.replace("Root=1-", "Root=2-"),
        HEADER.replace("Root=1-0", "Root=1-G"),
        HEADER.replace(SPAN, "0" * 16),
        f"Root=1-{'0' * 8}-{'0' * 24};Parent={SPAN};Sampled=1",
    ],
)
def test_what_is_no_xray_header_is_none(header: object) -> None:
    """Nor is one without a parent."""
    assert parse_xray_header(header) is None
    assert traceparent_of_xray(header) is None


@given(contexts)
def test_both_forms_lose_nothing(context: TraceContext) -> None:
    """There and back."""
    assert parse_traceparent(context.traceparent) == context
    assert parse_xray_header(context.xray_header) == context


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    """It is one, or it is none: nothing is raised."""
    clean = clean_traceparent(text)
    assert clean is None or clean_traceparent(clean) == clean
    assert traceparent_of_xray(f"Root={text};Parent={SPAN}") is None


def test_the_trace_of_a_traceparent() -> None:
    """Its second field."""
    assert trace_id_of(TRACEPARENT) == TRACE
    assert trace_id_of(None) is None
