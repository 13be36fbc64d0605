"""The environment contract of the canary's publisher: written by the stacks, read once by the function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from messaging.errors import SettingsError

_TOPIC_ARN = "WAYBILL_TOPIC_ARN"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatSettings:
    """What the canary's publisher must know of where it runs: the topic."""

    topic_arn: str

    def to_environment(self) -> dict[str, str]:
        """The variables that `from_environment` reads back. Values may be CDK tokens."""
        return {_TOPIC_ARN: self.topic_arn}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> HeartbeatSettings:
        """Read the contract. Raises SettingsError that names the variable when it is missing or empty."""
        topic_arn = environment.get(_TOPIC_ARN, "")
        if not topic_arn.strip():
            raise SettingsError(f"{_TOPIC_ARN} is not set: deploy with -c canary=on, which sets it")
        return cls(topic_arn=topic_arn)
