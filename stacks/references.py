"""References to resources of the same stack, made without asking the CDK: each question is a call into its process.

They are right for as long as the CDK makes logical ids as it always has, for it may not change those of what is
deployed; tests hold every reference of the written templates against their resources. A resource of ours must
therefore keep the id that it was given: no `override_logical_id`.

Source: https://docs.aws.amazon.com/cdk/v2/guide/identifiers.html#identifiers-logical-ids
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from aws_cdk import Stack
from constructs import Construct

Reference = dict[str, Any]

_HASH_DIGITS, _READABLE_CHARACTERS = 8, 240


class Part(Construct):
    """A construct of a stack, or of another part, that knows where it is."""

    def __init__(self, scope: Stack | Part, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.path: tuple[str, ...] = (*(scope.path if isinstance(scope, Part) else ()), construct_id)


def ref(part: Part, construct_id: str) -> Reference:
    """What `Ref` gives of the resource with that id in the part."""
    return {"Ref": logical_id(*part.path, construct_id)}


def attribute(part: Part, construct_id: str, name: str) -> Reference:
    """An attribute of the resource with that id in the part."""
    return {"Fn::GetAtt": [logical_id(*part.path, construct_id), name]}


def logical_id(*path: str) -> str:
    """The logical id of the resource at a path of a stack, as the CDK makes it of a path of two or more."""
    digest = hashlib.md5("/".join(path).encode(), usedforsecurity=False).hexdigest()[:_HASH_DIGITS].upper()
    readable: list[str] = []
    for each in path:
        if not (readable and readable[-1].endswith(each)):  # said already
            readable.append(each)
    return "".join(re.sub(r"[^A-Za-z0-9]", "", each) for each in readable)[:_READABLE_CHARACTERS] + digest
