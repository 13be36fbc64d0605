"""What IAM is asked when a function calls AWS: each action, and the resource that it is on.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from testing.sqs.service import ACCOUNT, REGION

Asked = tuple[str, str]

_IN_A_TRANSACTION = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}
_STATEMENT = re.compile(r'(INSERT) INTO "([^"]+)"|(UPDATE) "([^"]+)"|(DELETE) FROM "([^"]+)"')


@dataclass(frozen=True, slots=True)
class Place:
    """Where calls go. `queue_arn` knows queues by their URL, `identity` is what SES has verified for the sender."""

    queue_arn: Callable[[str], str]
    identity: Callable[[str], str]

    def asks(self, service: str, operation: str, request: Mapping[str, Any]) -> Iterator[Asked]:
        """All that must be allowed. Raises KeyError for a call that no function is known to make."""
        match service, operation:
            case "dynamodb", "batch_get_item" | "batch_write_item":
                action = f"dynamodb:{_pascal(operation)}"
                yield from ((action, table_arn(name)) for name in request["RequestItems"])
            case "dynamodb", "scan" | "update_item":
                yield f"dynamodb:{_pascal(operation)}", table_arn(request["TableName"])
            case "dynamodb", "transact_write_items":
                for entry in request["TransactItems"]:
                    ((kind, change),) = entry.items()
                    yield _IN_A_TRANSACTION[kind], table_arn(change["TableName"])
                    if change.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
                        yield "dynamodb:GetItem", table_arn(change["TableName"])
            case "dynamodb", "batch_execute_statement":
                yield from (_in_partiql(statement["Statement"]) for statement in request["Statements"])
            case "sqs", "send_message":
                yield "sqs:SendMessage", self.queue_arn(request["QueueUrl"])
            case "sqs", "change_message_visibility_batch":
                yield "sqs:ChangeMessageVisibility", self.queue_arn(request["QueueUrl"])
            case "sns", "publish_batch":
                yield "sns:Publish", request["TopicArn"]
            case "ses", "send_email":
                yield "ses:SendEmail", self.identity(request["FromEmailAddress"])
            case _:
                raise KeyError(f"{service}.{operation}: say here what IAM is asked for it")


def table_arn(name: str) -> str:
    """The ARN of a world's table."""
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"


def identity_arn(name: str) -> str:
    """The ARN of an address or a domain that SES has verified."""
    return f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/{name}"


def _in_partiql(text: str) -> Asked:
    found = _STATEMENT.match(text)
    if found is None:
        raise KeyError(f"a statement that begins with {text.split()[0]}: say here what IAM is asked for it")
    verb, table = (word for word in found.groups() if word is not None)
    return f"dynamodb:PartiQL{verb.capitalize()}", table_arn(table)


def _pascal(operation: str) -> str:
    return "".join(word.capitalize() for word in operation.split("_"))
