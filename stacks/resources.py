"""CloudFormation resources in CloudFormation's own words: the property names and shapes of its resource reference.

Typed constructs for the same resources cost a third of a synth (docs/decisions/0006-cloudformation-resources.md). What
their types would say, and more, the CDK's template validator says: a wrong name, a wrong type or a missing property is
an error of `cdk synth`, and so of the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import CfnResource, IResolvable
from constructs import Construct

# What CloudFormation knows only at deployment: a token that stands for it.
Value = str | IResolvable | Mapping[str, Any]


def add_resource(scope: Construct, construct_id: str, kind: str, properties: Mapping[str, Any]) -> CfnResource:
    """One resource. A property that is None is left out."""
    given = {name: value for name, value in properties.items() if value is not None}
    return CfnResource(scope, construct_id, type=kind, properties=given)
