"""Rules on who may do what: no wildcards in IAM, and no service that acts for strangers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from stacks.permissions import TRACE
from stacks.rules.blueprint import TABLE, Blueprint, Resource, listed, text
from stacks.rules.rule import Breach, Rule

# Where resources keep the policies that say what a role, or whoever they are attached to, may do.
_IDENTITIES = ("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group")
_POLICIES = (
    *("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"),
    *("AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy", "AWS::IAM::GroupPolicy"),
)
# And those that say who may use the resource that they are on.
_RESOURCE_POLICIES = {
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::SQS::QueueInlinePolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SNS::TopicInlinePolicy": "PolicyDocument",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
}
_PERMISSION = "AWS::Lambda::Permission"
_URL = "AWS::Lambda::Url"

# To write logs, and nothing else: what the CDK gives the functions of its own custom resources.
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaBasicExecutionRole.html
_LOGGING = "AWSLambdaBasicExecutionRole"

# What a condition may ask of whoever calls by themselves, for no service calls in their name.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_CALLERS = {"aws:principalorgid", "aws:principalaccount", "aws:principalarn"}

# Conditions that must hold; those with `IfExists` let in who sends no such key.
_DEMANDING = {"ArnEquals", "ArnLike", "StringEquals", "StringLike"}


def _wildcards(blueprint: Blueprint) -> Iterator[Breach]:
    for resource, location, statement in _allowing_identities(blueprint):
        actions = [text(action) for action in listed(statement.get("Action"))]
        for key in ("NotAction", "NotResource"):
            if key in statement:
                yield _wildcard(resource, location, f"{key} allows all but {text(statement[key])}", key)
        for action in actions:
            if _is_wild(action):
                yield _wildcard(resource, location, f"allows {action}", action)
        for on in listed(statement.get("Resource")):
            if not _is_wild(text(on)) or _below_a_table(blueprint, on, resource):
                continue
            for action in actions:
                if not _is_wild(action) and not (on == "*" and action in TRACE):  # X-Ray knows no resources
                    yield _wildcard(resource, location, f"allows {action} on {text(on)}", action)
    for resource in blueprint.of(*_IDENTITIES):
        for policy in map(text, listed(resource.properties.get("ManagedPolicyArns"))):
            name = policy.rpartition("/")[2]
            if ":aws:policy/" in policy and name != _LOGGING:
                value = f"{name} is AWS's own policy, which names no resource of ours"
                yield _wildcard(resource, "Properties.ManagedPolicyArns", value, name)
        trust = resource.properties.get("AssumeRolePolicyDocument")
        if any(_is_everybody(statement) for statement in _allowing(trust)):
            yield _wildcard(resource, "Properties.AssumeRolePolicyDocument", "everybody may take the role", "trust")


def _wildcard(resource: Resource, location: str, value: str, detail: str) -> Breach:
    mend = "name the actions that the code uses, and the ARNs that it uses them on"
    return Breach(resource=resource, location=location, value=value, mend=mend, detail=detail)


def _strangers(blueprint: Blueprint) -> Iterator[Breach]:
    for resource, location, statement in _allowing_services(blueprint):
        enough = {"aws:sourcearn"} | (set() if resource.kind.startswith("AWS::SQS::") else {"aws:sourceaccount"})
        enough |= _CALLERS if _is_everybody(statement) else set()
        if not enough & _demanded(statement):
            principal = statement.get("Principal", "all but some")
            yield Breach(
                resource=resource,
                location=location,
                value=f"{text(principal)} may {', '.join(map(text, listed(statement.get('Action'))))} "
                "for whoever asks it to: no condition names the source's ARN",
                mend='add a condition such as {"ArnEquals": {"aws:SourceArn": <the topic\'s ARN>}}',
            )
    for permission in blueprint.of(_PERMISSION):
        principal = text(permission.properties.get("Principal"))
        if principal.endswith("amazonaws.com") and not permission.properties.keys() & {"SourceArn", "SourceAccount"}:
            yield Breach(
                resource=permission,
                location="Properties.SourceArn",
                value=f"{principal} may invoke the function for whoever asks it to: there is no SourceArn",
                mend="set SourceArn to the ARN of the rule or topic that invokes it",
            )


def _open_functions(blueprint: Blueprint) -> Iterator[Breach]:
    for url in blueprint.of(_URL):
        if url.properties.get("AuthType") != "AWS_IAM":
            yield Breach(
                resource=url,
                location="Properties.AuthType",
                value=f"AuthType is {url.properties.get('AuthType')}: whoever finds the URL invokes the function",
                mend="set AuthType to AWS_IAM",
            )
    for permission in blueprint.of(_PERMISSION):
        if permission.properties.get("Principal") == "*" and "PrincipalOrgID" not in permission.properties:
            yield Breach(
                resource=permission,
                location="Properties.Principal",
                value="Principal is *: every account may invoke the function",
                mend="set Principal to the account or the service that invokes it, or PrincipalOrgID",
            )


RULES = (
    Rule(
        name="iam-wildcard",
        says="whoever takes over the code may do all of that",
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege",
        judge=_wildcards,
    ),
    Rule(
        name="source-arn",
        says="a service that acts for anybody is a confused deputy",
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
        judge=_strangers,
    ),
    Rule(
        name="open-function",
        says="a function must be invoked by whom it is for: it takes what it is given for messages of its queue",
        source="https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html",
        judge=_open_functions,
    ),
)


def _allowing_identities(blueprint: Blueprint) -> Iterator[tuple[Resource, str, Mapping[str, Any]]]:
    for resource in blueprint.of(*_IDENTITIES):
        for inline in listed(resource.properties.get("Policies")):
            for statement in _allowing(inline.get("PolicyDocument")):
                yield resource, "Properties.Policies", statement
    for resource in blueprint.of(*_POLICIES):
        for statement in _allowing(resource.properties.get("PolicyDocument")):
            yield resource, "Properties.PolicyDocument", statement


def _allowing_services(blueprint: Blueprint) -> Iterator[tuple[Resource, str, Mapping[str, Any]]]:
    """Statements for an AWS service, or for everybody."""
    for kind, key in _RESOURCE_POLICIES.items():
        for resource in blueprint.of(kind):
            for statement in _allowing(resource.properties.get(key)):
                principal = statement.get("Principal")
                if _is_everybody(statement) or (isinstance(principal, Mapping) and "Service" in principal):
                    yield resource, f"Properties.{key}", statement


def _is_wild(name: str) -> bool:
    """Whether it stands for several: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html"""
    return "*" in name or "?" in name


def _is_everybody(statement: Mapping[str, Any]) -> bool:
    match statement.get("Principal"):
        case "*" | {"AWS": "*"}:
            return True
        case {"AWS": [*accounts]}:
            return "*" in accounts
    return "NotPrincipal" in statement


def _allowing(document: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(document, Mapping):
        yield from (each for each in listed(document.get("Statement")) if each.get("Effect") == "Allow")


def _demanded(statement: Mapping[str, Any]) -> set[str]:
    """The keys whose value a statement's conditions fix, in small letters: IAM tells no difference."""
    return {
        key.lower()
        for operator, keys in statement.get("Condition", {}).items()
        if operator in _DEMANDING
        for key, value in keys.items()
        if not any(map(_is_open, listed(value)))
    }


def _is_open(source: Any) -> bool:
    """Whether it stands for the sources of every account."""
    parts = re.sub(r"\$\{[^}]*\}", "known", text(source)).split(":")
    return parts == ["*"] or (len(parts) > 4 and parts[4] == "*")


def _below_a_table(blueprint: Blueprint, on: Any, seen_from: Resource) -> bool:
    """Whether it is what one table of ours has: AWS names a stream by the time at which it is made.

    Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
    """
    match on:
        case {"Fn::Join": ["", [table, "/stream/*" | "/index/*"]]}:
            return blueprint.behind(table, TABLE, seen_from=seen_from) is not None
    return False
