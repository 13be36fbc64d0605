"""What SNS refuses: for good or for now, and by whose fault.

Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_FINAL_ERRORS = {
    "AuthorizationError",
    "InvalidParameter",
    "InvalidParameterValue",
    "ParameterValueInvalid",
    "NotFound",
    "KMSAccessDenied",
}
# The message itself is wrong. The other errors of Publish are of the topic, its key or the permissions.
_MESSAGE_ERRORS = {"InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "ValidationException"}
# SNS calls these the sender's fault too, and they pass all the same.
_PASSING_ERRORS = {
    *("Throttled", "ThrottledException", "ThrottlingException", "RequestThrottled", "ConcurrentAccess"),
    *("KMSThrottling", "KMSThrottlingException"),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an entry was refused. `final`: sending it again now can't help. `own_fault`: nor can it once topic and
    permissions are mended."""

    code: str
    reason: str
    final: bool
    own_fault: bool = False


def of_entry(entry: Mapping[str, Any]) -> Refusal:
    """What SNS says of one entry in a call that was fine."""
    code = entry["Code"]
    final = entry.get("SenderFault", False) and code not in _PASSING_ERRORS
    return Refusal(code, entry.get("Message", ""), final=final, own_fault=final and code in _MESSAGE_ERRORS)


def of_call(code: str) -> Refusal:
    """What it says of a whole call."""
    return Refusal(code, "SNS refused the whole batch", final=code in _FINAL_ERRORS)


def may_be_of_one_entry(code: str) -> bool:
    """Whether SNS says so of a whole call when a single entry is wrong, and says of no entry that it is that one."""
    return code in _MESSAGE_ERRORS
