"""Event source mappings: whether a consumer takes messages; stopped and started, until they really are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cli.errors import CliError

# https://docs.aws.amazon.com/lambda/latest/api/API_GetEventSourceMapping.html#lambda-GetEventSourceMapping-response-State
ENABLED, DISABLED = "Enabled", "Disabled"
_POLL_SECONDS = 1.0
# AWS takes about half a minute.
PATIENCE_SECONDS = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """What Lambda says of one mapping."""

    uuid: str
    state: str
    last_result: str
    reports_failures: bool
    batch_size: int
    maximum_concurrency: int | None


def describe(client: Any, uuid: str) -> Mapping:
    """One mapping. `client` is boto3's Lambda client. Raises what it raises."""
    found = client.get_event_source_mapping(UUID=uuid)
    return Mapping(
        uuid=uuid,
        state=found["State"],
        last_result=found.get("LastProcessingResult") or "",
        reports_failures="ReportBatchItemFailures" in found.get("FunctionResponseTypes", []),
        batch_size=found.get("BatchSize", 0),
        maximum_concurrency=found.get("ScalingConfig", {}).get("MaximumConcurrency"),
    )


def switch(
    client: Any,
    uuid: str,
    *,
    on: bool,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Start or stop a mapping, and wait until it is. False where it was so already.

    Batches that functions have begun are finished. Raises CliError where Lambda takes too long.
    """
    wanted, began = ENABLED if on else DISABLED, clock()
    if describe(client, uuid).state == wanted:
        return False
    asked = False
    while not asked or describe(client, uuid).state != wanted:
        if clock() - began > PATIENCE_SECONDS:
            raise CliError(
                f"the mapping is {describe(client, uuid).state} after {PATIENCE_SECONDS:.0f} s, and not {wanted}: look "
                "at it in Lambda, and run this again"
            )
        asked = asked or _ask(client, uuid, on=on)
        sleep(_POLL_SECONDS)
    return True


def _ask(client: Any, uuid: str, *, on: bool) -> bool:
    """False while another change of it is under way."""
    try:
        client.update_event_source_mapping(UUID=uuid, Enabled=on)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ResourceInUseException", "ResourceConflictException"):
            raise
        return False
    return True
