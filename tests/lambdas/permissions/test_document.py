"""docs/security.md, where it can be wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from stacks.encryption import DATA_KEY_REUSE_SECONDS
from tests.lambdas.permissions.iam import Request, decide
from tests.lambdas.permissions.roles import Role
from tests.lambdas.permissions.shop import FUNCTIONS
from tests.lambdas.permissions.table import embed, table

DOCUMENT = Path(__file__).parents[3] / "docs" / "security.md"


def test_the_table_is_the_roles(granted: Mapping[str, Role]) -> None:
    """Stale? Run: .venv/bin/python -m tests.lambdas.permissions.table docs/security.md"""
    text = DOCUMENT.read_text(encoding="utf-8")
    assert embed(text, granted) == text


def test_every_function_is_in_the_table(granted: Mapping[str, Role]) -> None:
    """With one row at least for what it exists for."""
    assert set(re.findall(r"^\| `(\w+)` \|", table(granted), flags=re.MULTILINE)) == {*FUNCTIONS}


def test_the_costs_of_the_key_are_computed_as_aws_says() -> None:
    """R = B / D x (2 P + C) a queue, for a month of 30 days, one sender and one receiver.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    """
    calls = 15 * 30 * 86_400 // DATA_KEY_REUSE_SECONDS * (2 * 1 + 1)
    assert f"{calls:,} calls" in DOCUMENT.read_text(encoding="utf-8")


def test_the_policies_in_it_let_in_what_they_are_for() -> None:
    """A publisher elsewhere, by its own policy; and the topic, by that of a queue elsewhere."""
    blocks = re.findall(r"^```\n(\{.*?)^```", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    publisher, attributes = (json.loads(block) for block in blocks)
    assert decide([publisher], Request("sns:Publish", publisher["Resource"]))
    assert not decide([publisher], Request("sns:Subscribe", publisher["Resource"]))
    queue = json.loads(attributes["Policy"])["Statement"]
    for source, lets_in in (("TOPIC_ARN", True), ("ANOTHER_ARN", False)):
        delivery = Request("sqs:SendMessage", "QUEUE_ARN", {"aws:SourceArn": source}, "sns.amazonaws.com")
        assert decide(queue, delivery) is lets_in


def test_a_document_without_the_marker_lines_is_refused(granted: Mapping[str, Role]) -> None:
    """Nothing is overwritten by guess."""
    with pytest.raises(ValueError, match="lacks the lines"):
        embed("# Security", granted)
