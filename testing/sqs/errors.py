"""What SQS refuses, with AWS's codes and messages."""

from __future__ import annotations

INVALID_VALUE = "InvalidParameterValue"
NO_DEDUPLICATION_ID = (
    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
)


class Refused(Exception):
    """A request that SQS refuses.

    `code` is what boto3's ClientError shows and what callers compare, such as AWS.SimpleQueueService.NonExistentQueue:
    the code of the API's older protocol. `shape` is the error's name in the API's model, `status` that of HTTP.
    """

    def __init__(self, code: str, message: str, *, shape: str = "", status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.shape = shape or code
        self.status = status


class NotImplementedHere(NotImplementedError):
    """A part of the API that this SQS does not have: it says so instead of ignoring what was asked."""


def legacy(shape: str, message: str, *, name: str = "", status: int = 400) -> Refused:
    """An error whose code has the prefix of the older protocol; `name` where it also was called otherwise."""
    return Refused(f"AWS.SimpleQueueService.{name or shape}", message, shape=shape, status=status)


def queue_exists(attribute: str) -> Refused:
    """A queue of this name that is another one."""
    message = f"A queue already exists with the same name and a different value for attribute {attribute}"
    return Refused("QueueAlreadyExists", message, shape="QueueNameExists")


def no_such_queue() -> Refused:
    """A queue that is not there."""
    return legacy("QueueDoesNotExist", "The specified queue does not exist.", name="NonExistentQueue")


def not_found(message: str) -> Refused:
    """Something that a move task needs and that is not there."""
    return Refused("ResourceNotFoundException", message, status=404)


def missing(parameter: str) -> Refused:
    """A parameter that must be there."""
    message = f"The request must contain the parameter {parameter}."
    return Refused("MissingParameter", message, shape="MissingRequiredParameterException")


def invalid(message: str) -> Refused:
    """A request whose values make no sense."""
    return Refused(INVALID_VALUE, message, shape="InvalidParameterValueException")


def invalid_value(parameter: str, value: object, reason: str) -> Refused:
    """A value that makes no sense, in AWS's usual words."""
    return invalid(f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")


def invalid_attribute(name: str, reason: str = "") -> Refused:
    """A queue's attribute with a value that it can't have."""
    message = f"Invalid value for the parameter {name}."
    return Refused("InvalidAttributeValue", f"{message} Reason: {reason}" if reason else message)


def unknown_attribute(name: str) -> Refused:
    """A queue's attribute that SQS, or this type of queue, does not have."""
    return Refused("InvalidAttributeName", f"Unknown Attribute {name}.")


def not_a_handle(handle: str) -> Refused:
    """What this queue never gave as a receipt handle."""
    message = f'The input receipt handle "{handle}" is not a valid receipt handle.'
    return Refused("ReceiptHandleIsInvalid", message, status=404)
