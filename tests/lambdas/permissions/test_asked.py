"""What IAM is asked for a call: too little here would hide a permission that lacks on AWS."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lambdas.permissions.asked import Place, identity_arn, table_arn

PLACE = Place(queue_arn=lambda url: f"arn:{url}", identity=identity_arn)


def asked(service: str, operation: str, **request: Any) -> list[tuple[str, str]]:
    """All of it."""
    return [*PLACE.asks(service, operation, request)]


def test_a_transaction_asks_for_each_of_its_actions() -> None:
    """And for a read where a failed condition returns the item."""
    put = {"Put": {"TableName": "inbox", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}
    items = [put, {"Update": {"TableName": "stock"}}, {"ConditionCheck": {"TableName": "stock"}}]
    assert asked("dynamodb", "transact_write_items", TransactItems=items) == [
        ("dynamodb:PutItem", table_arn("inbox")),
        ("dynamodb:GetItem", table_arn("inbox")),
        ("dynamodb:UpdateItem", table_arn("stock")),
        ("dynamodb:ConditionCheckItem", table_arn("stock")),
    ]


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("INSERT INTO \"inbox\" VALUE {'id': ?}", "dynamodb:PartiQLInsert"),
        ('UPDATE "inbox" SET "status" = ? WHERE "id" = ?', "dynamodb:PartiQLUpdate"),
        ('DELETE FROM "inbox" WHERE "id" = ?', "dynamodb:PartiQLDelete"),
    ],
)
def test_each_partiql_statement_asks_for_its_verb(text: str, action: str) -> None:
    """On the table that it names, and never for PutItem or its like."""
    assert asked("dynamodb", "batch_execute_statement", Statements=[{"Statement": text}]) == [
        (action, table_arn("inbox"))
    ]


@pytest.mark.parametrize(
    ("service", "operation", "request_", "expected"),
    [
        ("dynamodb", "batch_get_item", {"RequestItems": {"a": {}, "b": {}}}, ("dynamodb:BatchGetItem", table_arn("a"))),
        ("dynamodb", "batch_write_item", {"RequestItems": {"a": []}}, ("dynamodb:BatchWriteItem", table_arn("a"))),
        ("dynamodb", "scan", {"TableName": "a"}, ("dynamodb:Scan", table_arn("a"))),
        ("sqs", "send_message", {"QueueUrl": "q"}, ("sqs:SendMessage", "arn:q")),
        ("sqs", "change_message_visibility_batch", {"QueueUrl": "q"}, ("sqs:ChangeMessageVisibility", "arn:q")),
        ("sns", "publish_batch", {"TopicArn": "t"}, ("sns:Publish", "t")),
        ("ses", "send_email", {"FromEmailAddress": "a@b.c"}, ("ses:SendEmail", identity_arn("a@b.c"))),
    ],
)
def test_batches_ask_for_what_iam_calls_them(
    service: str, operation: str, request_: dict[str, Any], expected: tuple[str, str]
) -> None:
    """DynamoDB's have actions of their own, those of SQS and SNS have their single call's."""
    assert asked(service, operation, **request_)[0] == expected


@pytest.mark.parametrize(
    ("service", "operation", "request_"),
    [
        ("dynamodb", "delete_table", {"TableName": "a"}),
        ("sqs", "purge_queue", {"QueueUrl": "q"}),
        ("dynamodb", "batch_execute_statement", {"Statements": [{"Statement": 'SELECT * FROM "inbox"'}]}),
    ],
)
def test_a_call_that_is_new_here_is_an_error(service: str, operation: str, request_: dict[str, Any]) -> None:
    """It is never let through unasked."""
    with pytest.raises(KeyError, match="say here what IAM is asked for it"):
        asked(service, operation, **request_)
