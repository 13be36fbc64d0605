"""A function of the bundle as AWS resources: log group, role and itself, the same for consumers and the relay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from messaging.metrics import namespace_of
from stacks.bundle import ARCHITECTURE, RUNTIME, Bundle
from stacks.deployment import Deployment
from stacks.encryption import key_statements
from stacks.permissions import LOG, TRACE, Statement, allow, assumed_by, policy
from stacks.references import Part, attribute
from stacks.resources import Value, add_resource

# Memory buys CPU in proportion: 512 MB is 0.29 of a core, enough for ten records with a deadline of seconds.
MEMORY_MB = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function as CloudFormation will know it."""

    name: str
    arn: Value
    log_group: str


def make_function(
    scope: Part,
    service: str,
    *,
    description: str,
    handler: str,
    timeout_seconds: int,
    settings: Mapping[str, str],
    statements: Sequence[Statement],
    bundle: Bundle,
    deployment: Deployment,
) -> Function:
    """A function that logs to a group of its own. `service` is its name in logs and metrics.

    `settings` are the variables of its own; `statements` say what it may do beside logging, tracing and using the key
    of what it sends to or receives from.
    """
    # Logs outlive the dead letters that they explain, by far in prod.
    kept_days = 180 if deployment.prod else 30
    log_group = add_resource(scope, "LogGroup", "AWS::Logs::LogGroup", {"RetentionInDays": kept_days})
    deployment.keep(log_group)
    used = key_statements(statements, deployment.key_arn)
    allowed = [*statements, *used, allow(LOG, attribute(scope, "LogGroup", "Arn")), allow(TRACE, "*")]
    properties = {
        "Description": f"Waybill: {description}",
        "Runtime": RUNTIME,
        "Architectures": [ARCHITECTURE],
        "Handler": handler,
        "Code": bundle.code,
        "Layers": [*bundle.layer_arns] or None,
        "Role": _make_role(scope, allowed),
        "Timeout": timeout_seconds,
        "MemorySize": MEMORY_MB,
        "TracingConfig": {"Mode": "Active"},
        "LoggingConfig": {"LogGroup": log_group.ref},
        "Environment": {
            "Variables": {
                **settings,
                "POWERTOOLS_SERVICE_NAME": service,
                "POWERTOOLS_METRICS_NAMESPACE": namespace_of(deployment.stage),
                "POWERTOOLS_LOG_LEVEL": deployment.log_level,
            }
        },
    }
    function = add_resource(scope, "Function", "AWS::Lambda::Function", properties)
    return Function(name=function.ref, arn=attribute(scope, "Function", "Arn"), log_group=log_group.ref)


def _make_role(scope: Part, statements: Sequence[Statement]) -> Value:
    """The function's role, its policy inline: the function never exists without it."""
    properties = {
        "AssumeRolePolicyDocument": assumed_by("lambda.amazonaws.com"),
        "Policies": [{"PolicyName": "Function", "PolicyDocument": policy(statements)}],
    }
    add_resource(scope, "Role", "AWS::IAM::Role", properties)
    return attribute(scope, "Role", "Arn")
