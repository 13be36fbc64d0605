"""The environment contract of the functions: written by the stacks, read once by the functions."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from messaging.errors import SettingsError

_PREFIX = "WAYBILL_"
_TABLE_PREFIX = "WAYBILL_TABLE_"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a consumer's function must know of where it runs. `tables` maps the topology's names to physical ones."""

    consumer: str
    queue_url: str
    dead_letter_queue_url: str
    tables: Mapping[str, str]
    code_version: str
    newer_version_patience_seconds: int
    mail_from: str | None = None

    def to_environment(self) -> dict[str, str]:
        """The variables that `from_environment` reads back. Values may be CDK tokens."""
        environment = {
            f"{_PREFIX}CONSUMER": self.consumer,
            f"{_PREFIX}QUEUE_URL": self.queue_url,
            f"{_PREFIX}DEAD_LETTER_QUEUE_URL": self.dead_letter_queue_url,
            f"{_PREFIX}CODE_VERSION": self.code_version,
            f"{_PREFIX}NEWER_VERSION_PATIENCE_SECONDS": str(self.newer_version_patience_seconds),
        }
        environment |= {_TABLE_PREFIX + name.upper(): physical for name, physical in self.tables.items()}
        if self.mail_from is not None:
            environment[f"{_PREFIX}MAIL_FROM"] = self.mail_from
        return environment

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the contract. Raises SettingsError that names the variable when one is missing, empty or wrong."""
        return cls(
            consumer=_text(environment, "CONSUMER"),
            queue_url=_text(environment, "QUEUE_URL"),
            dead_letter_queue_url=_text(environment, "DEAD_LETTER_QUEUE_URL"),
            tables={
                name.removeprefix(_TABLE_PREFIX).lower(): _text(environment, name.removeprefix(_PREFIX))
                for name in environment
                if name.startswith(_TABLE_PREFIX)
            },
            code_version=_text(environment, "CODE_VERSION"),
            newer_version_patience_seconds=_seconds(environment, "NEWER_VERSION_PATIENCE_SECONDS"),
            mail_from=_text(environment, "MAIL_FROM") if f"{_PREFIX}MAIL_FROM" in environment else None,
        )


class RelaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the relay's function must know of where it runs: the topic, and the outbox by its physical name."""

    topic_arn: str
    outbox_table: str
    code_version: str

    def to_environment(self) -> dict[str, str]:
        """The variables that `from_environment` reads back. Values may be CDK tokens."""
        return {
            f"{_PREFIX}TOPIC_ARN": self.topic_arn,
            f"{_PREFIX}OUTBOX_TABLE": self.outbox_table,
            f"{_PREFIX}CODE_VERSION": self.code_version,
        }

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> RelaySettings:
        """Read the contract. Raises SettingsError that names the variable when one is missing or empty."""
        return cls(
            topic_arn=_text(environment, "TOPIC_ARN"),
            outbox_table=_text(environment, "OUTBOX_TABLE"),
            code_version=_text(environment, "CODE_VERSION"),
        )


def _text(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(_PREFIX + name, "")
    if not value.strip():
        raise SettingsError(f"{_PREFIX}{name} is not set: deploy with the stacks of this project, which set it")
    return value


def _seconds(environment: Mapping[str, str], name: str) -> int:
    value = _text(environment, name)
    if not value.isascii() or not value.isdigit():
        raise SettingsError(f"{_PREFIX}{name} must be a whole number of seconds")
    return int(value)
