"""The options of one deployment, read from CDK context (`-c name=value`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from aws_cdk import CfnResource, RemovalPolicy
from constructs import Node

from messaging.subscription import Subscription
from stacks.accounts import parse_accounts
from stacks.archive import MAX_DAYS, check_days
from stacks.errors import SynthError

Stage = Literal["dev", "prod"]

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# A bare address: a sender's becomes two identity ARNs, and a display name belongs to the mail, not to the identity.
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Where and how Waybill is deployed. None means that the default of the row or of the consumer holds.

    `kms` asks for a key of its own; `key_arn` is that key, as soon as the messaging stack has it.
    """

    stage: Stage
    log_level: str
    mail_from: str | None = None
    mail_configuration_set: str | None = None
    with_layer: bool = True
    newer_version_patience_seconds: int | None = None
    maximum_concurrency: int | None = None
    alarm_email: str | None = None
    canary: bool = False
    archive_days: int = 0
    kms: bool = False
    publisher_accounts: tuple[str, ...] = ()
    subscriber_accounts: tuple[str, ...] = ()
    key_arn: str | None = None

    @classmethod
    def from_context(cls, node: Node) -> Deployment:
        """Read the context. Raises SynthError that names the option and what it takes."""
        # All at once: each question is a call into the CDK's process.
        context: Mapping[str, Any] = node.get_all_context()
        stage = cast(Stage, _one_of(context, "stage", ("dev", "prod")))
        if _text(context, "mail_configuration_set") and not _text(context, "mail_from"):
            raise SynthError("-c mail_configuration_set without -c mail_from: it must be the set of a sender")
        canary = _one_of(context, "canary", ("off", "on")) == "on"
        if canary and stage != "prod":
            raise SynthError(
                f"-c canary=on with -c stage={stage}: it must be prod, where somebody is woken when it stops"
            )
        days = _number(context, "archive_days", "a whole number of days")
        default_level = "DEBUG" if stage == "dev" else "INFO"
        return cls(
            stage=stage,
            log_level=_one_of(context, "log_level", LOG_LEVELS, default=default_level),
            mail_from=_address(context, "mail_from"),
            mail_configuration_set=_name(context, "mail_configuration_set"),
            with_layer=_one_of(context, "layer", ("on", "off")) == "on",
            newer_version_patience_seconds=_number(
                context, "newer_version_patience_seconds", "a whole number of seconds"
            ),
            maximum_concurrency=_number(context, "maximum_concurrency", "a whole number"),
            alarm_email=_address(context, "alarm_email"),
            canary=canary,
            archive_days=check_days((MAX_DAYS if stage == "prod" else 0) if days is None else days),
            kms=_one_of(context, "kms", ("false", "true")) == "true",
            publisher_accounts=parse_accounts("publisher_accounts", _text(context, "publisher_accounts")),
            subscriber_accounts=parse_accounts("subscriber_accounts", _text(context, "subscriber_accounts")),
        )

    @property
    def prod(self) -> bool:
        """Whether people depend on it: protected from deletion, and its data outlives it."""
        return self.stage == "prod"

    def stack_name(self, name: str) -> str:
        """The name of one of its stacks, by the end of it."""
        return f"waybill-{self.stage}-{name}"

    def applied_to(self, row: Subscription) -> Subscription:
        """The row as this deployment's options change it. Raises TopologyError for a value that AWS refuses."""
        patience_seconds, concurrency = self.newer_version_patience_seconds, self.maximum_concurrency
        return replace(
            row,
            newer_version_patience_seconds=row.newer_version_patience_seconds
            if patience_seconds is None
            else patience_seconds,
            maximum_concurrency=row.maximum_concurrency if concurrency is None else concurrency,
        )

    def keep(self, resource: CfnResource) -> None:
        """Let what holds data (a table, a queue, a log) outlive its stack or its row, in prod.

        A queue's messages are accepted events that nobody applied yet, a dead-letter queue's are the ones that people
        still have to look at, and the log says why. SQS and the log group let them expire by themselves. Names are
        generated, so what stays behind never blocks the next deployment. The topic's name is fixed, so it goes with its
        stack in every stage; an archive must be given up before that. In dev CloudFormation's default holds: all goes.
        """
        if self.prod:
            resource.apply_removal_policy(RemovalPolicy.RETAIN)


def _text(context: Mapping[str, Any], option: str) -> str | None:
    value = context.get(option)
    return None if value is None or str(value).strip() == "" else str(value).strip()


def _one_of(context: Mapping[str, Any], option: str, choices: tuple[str, ...], default: str | None = None) -> str:
    value = _text(context, option) or default or choices[0]
    if value not in choices:
        raise SynthError(f"-c {option}={value}: it must be one of {', '.join(choices)}")
    return value


def _address(context: Mapping[str, Any], option: str) -> str | None:
    value = _text(context, option)
    if value is not None and _ADDRESS.fullmatch(value) is None:
        raise SynthError(f"-c {option}={value}: it must be a bare e-mail address such as orders@example.com")
    return value


def _name(context: Mapping[str, Any], option: str) -> str | None:
    value = _text(context, option)
    if value is not None and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value) is None:
        raise SynthError(f"-c {option}={value}: it must be a name of letters, digits, '_' and '-'")
    return value


def _number(context: Mapping[str, Any], option: str, what: str) -> int | None:
    value = _text(context, option)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()):
        raise SynthError(f"-c {option}={value}: it must be {what}")
    return int(value)
