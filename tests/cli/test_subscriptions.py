"""Subscriptions as SNS has them."""

from __future__ import annotations

import json
from typing import Any

from cli.subscriptions import deployed
from messaging.filter_explanation import attributes_of
from tests.cli.fakes import Paginated


class FakeSns(Paginated):
    """A topic with a page for each subscription."""

    def __init__(self, **attributes: dict[str, str]) -> None:
        super().__init__(
            list_subscriptions_by_topic=lambda **_: [
                {"Subscriptions": [{"SubscriptionArn": arn, "Endpoint": f"queue of {arn}", "Protocol": "sqs"}]}
                for arn in attributes
            ]
        )
        self._attributes = attributes

    def get_subscription_attributes(self, SubscriptionArn: str) -> dict[str, Any]:  # noqa: N803 - AWS's
        return {"Attributes": self._attributes[SubscriptionArn]}


def test_each_has_its_policy_on_its_scope() -> None:
    """Without one it takes all; one that nobody has confirmed gets nothing."""
    sns = FakeSns(
        a={
            "FilterPolicy": json.dumps({"type": ["OrderPlaced"]}),
            "RawMessageDelivery": "true",
            "RedrivePolicy": '{"deadLetterTargetArn": "d"}',
        },
        b={"FilterPolicy": json.dumps({"data": {"x": ["y"]}}), "FilterPolicyScope": "MessageBody"},
        c={},
        PendingConfirmation={},
    )
    first, second, third = deployed(sns, "topic")
    assert (first.endpoint, first.raw, first.dead_letters_to) == ("queue of a", True, "d")
    assert not first.explain(attributes=attributes_of({"type": "OrderCancelled"})).matches
    assert (second.scope, second.raw, second.dead_letters_to) == ("MessageBody", False, None)
    assert second.explain(attributes={}, body='{"data": {"x": "y"}}').matches
    assert third.explain(attributes={}).matches
