"""A stand-in for boto3's low-level SNS client, on topics in this process."""

from __future__ import annotations

from typing import Any

from testing.sns.errors import Refused
from testing.sns.exceptions import EXCEPTIONS, client_error
from testing.sns.service import Sns


class Client:
    """Takes boto3's keyword arguments, replies and raises as boto3 does, at once."""

    exceptions = EXCEPTIONS

    def __init__(self, sns: Sns) -> None:
        self._sns = sns

    def publish(self, **request: Any) -> dict[str, Any]:
        """One message."""
        return self._call("Publish", request)

    def publish_batch(self, **request: Any) -> dict[str, Any]:
        """Up to ten messages, each with an answer of its own."""
        return self._call("PublishBatch", request)

    def get_topic_attributes(self, **request: Any) -> dict[str, Any]:
        """What a topic is."""
        return self._call("GetTopicAttributes", request)

    def get_subscription_attributes(self, **request: Any) -> dict[str, Any]:
        """What a subscription is."""
        return self._call("GetSubscriptionAttributes", request)

    def list_subscriptions_by_topic(self, **request: Any) -> dict[str, Any]:
        """A topic's subscriptions."""
        return self._call("ListSubscriptionsByTopic", request)

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            reply = self._sns.execute(operation, request)
        except Refused as refused:
            raise client_error(refused, operation) from None
        reply["ResponseMetadata"] = {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}
        return reply
