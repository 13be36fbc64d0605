"""What compares with recordings must see a difference, or it says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.testing.functions.recording import Correspondence


@pytest.mark.parametrize(
    ("recorded", "ours"),
    [
        ({"a": "1"}, {"a": "1", "b": "2"}),
        ({"a": "1", "b": None}, {"a": "1"}),
        ({"a": "1"}, {"a": 1}),
        ([1, 2], [1]),
        ("1", "2"),
        (True, 1),
        ("<uuid:1>", ""),
        ("arn:<partition>:sqs", "arn:aws:sns"),
        ({"a": "<uuid:1>", "b": "<uuid:1>"}, {"a": "x", "b": "y"}),
        ({"a": "<uuid:1>", "b": "<uuid:2>"}, {"a": "x", "b": "x"}),
        ({"body": {"message": 1}}, {"body": '{"message": 2}'}),
    ],
)
def test_what_differs_is_seen(recorded: Any, ours: Any) -> None:
    """Keys, types, lengths, values, and what placeholders stand for."""
    with pytest.raises(AssertionError):
        Correspondence().check(recorded, ours)


@pytest.mark.parametrize(
    ("recorded", "ours"),
    [
        ({"a": "<uuid:1>", "b": "<uuid:2>", "c": "<uuid:1>"}, {"a": "x", "b": "y", "c": "x"}),
        ({"a": "<md5:1>", "b": "<uuid:1>", "c": "<time>", "d": "<time>"}, {"a": "x", "b": "x", "c": "1", "d": "2"}),
        ("arn:<partition>:sqs:<region>:111111111111:<resource:1>", "arn:aws:sqs:us-east-1:000000000000:jobs"),
        ({"body": {"message": 1}, "at": "sent-timestamp"}, {"body": '{"message": 1}', "at": "17"}),
    ],
)
def test_what_changes_from_run_to_run_is_the_same(recorded: Any, ours: Any) -> None:
    """As far as the recording shows it."""
    Correspondence().check(recorded, ours)
