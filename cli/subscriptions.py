"""The deployed subscriptions of the topic, as SNS has them: which queue gets what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from messaging.filter_conditions import Scope
from messaging.filter_explanation import Explanation, explain

PENDING = "PendingConfirmation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """One subscription of a topic. An empty policy takes everything."""

    arn: str
    endpoint: str
    protocol: str
    policy: Mapping[str, Any]
    scope: Scope
    raw: bool
    dead_letters_to: str | None

    def explain(self, *, attributes: Mapping[str, Mapping[str, Any]], body: str = "") -> Explanation:
        """Whether and why SNS delivers a message to it."""
        return explain(self.policy, attributes=attributes, body=body, scope=self.scope)


def deployed(sns: Any, topic_arn: str) -> list[Deployed]:
    """All confirmed subscriptions of a topic. Raises what boto3 raises."""
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
    return [
        _deployed(each, sns.get_subscription_attributes(SubscriptionArn=each["SubscriptionArn"])["Attributes"])
        for page in pages
        for each in page["Subscriptions"]
        if each["SubscriptionArn"] != PENDING
    ]


def _deployed(listed: Mapping[str, str], attributes: Mapping[str, str]) -> Deployed:
    scope = attributes.get("FilterPolicyScope", "MessageAttributes")
    redrive = json.loads(attributes.get("RedrivePolicy") or "{}")
    return Deployed(
        arn=listed["SubscriptionArn"],
        endpoint=listed["Endpoint"],
        protocol=listed["Protocol"],
        policy=json.loads(attributes.get("FilterPolicy") or "{}"),
        scope="MessageBody" if scope == "MessageBody" else "MessageAttributes",
        raw=attributes.get("RawMessageDelivery") == "true",
        dead_letters_to=redrive.get("deadLetterTargetArn"),
    )
