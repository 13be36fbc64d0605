"""What SNS refuses, with AWS's codes and messages.

Codes and states: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html#API_PublishBatch_Errors. The messages
are those that AWS gave to LocalStack's recordings:
https://github.com/localstack/localstack/blob/main/tests/aws/services/sns/test_sns.snapshot.json
"""

from __future__ import annotations


class Refused(Exception):
    """A request that SNS refuses: its error code and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class NotImplementedHere(NotImplementedError):
    """A part of the API that this SNS does not have: it says so instead of ignoring what was asked."""


def invalid(reason: str) -> Refused:
    """A parameter that makes no sense."""
    return Refused("InvalidParameter", f"Invalid parameter: {reason}")


def invalid_attribute(message: str) -> Refused:
    """A message attribute that makes no sense; boto3 calls it InvalidParameterValueException."""
    return Refused("ParameterValueInvalid", message)


def no_topic() -> Refused:
    """There is no topic of this ARN."""
    return Refused("NotFound", "Topic does not exist")


def no_subscription() -> Refused:
    """There is no subscription of this ARN."""
    return Refused("NotFound", "Subscription does not exist")
