"""What refuses a call for now is what boto3 raises: class, code, status and reasons."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from testing.dynamodb.errors import CONFLICT_MESSAGE
from tests.testing.functions.region import Region

REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "dynamodb": ("get_item", {"TableName": "things", "Key": {"id": {"S": "a"}}}),
    "sqs": ("send_message", {"QueueUrl": "jobs", "MessageBody": "a"}),
    "sns": ("publish", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:t", "Message": "a"}),
    "sesv2": ("send_email", {"FromEmailAddress": "a@b.c"}),
}
# The exception that boto3's client has for it, where its model has one, the code that callers compare, and the status.
EXPECTED = {
    ("throttled", "dynamodb"): ("ThrottlingException", "ThrottlingException", 400),
    ("throttled", "sqs"): ("RequestThrottled", "RequestThrottled", 400),
    ("throttled", "sns"): ("ThrottledException", "Throttled", 429),
    ("throttled", "sesv2"): ("TooManyRequestsException", "TooManyRequestsException", 429),
    ("server_error", "dynamodb"): ("InternalServerError", "InternalServerError", 500),
    ("server_error", "sqs"): (None, "InternalError", 500),
    ("server_error", "sns"): ("InternalErrorException", "InternalError", 500),
    ("server_error", "sesv2"): (None, "InternalFailure", 500),
}
TWO_WRITES = {"TransactItems": [{"Put": {"TableName": "things", "Item": {"id": {"S": each}}}} for each in "ab"]}


def refusal(region: Region, fault: str, service: str, operation: str, request: dict[str, Any]) -> ClientError:
    """What a process sees."""
    process = region.process()
    region.faults.inject(fault)

    def call() -> ClientError:
        with pytest.raises(ClientError) as raised:
            getattr(process.client(service), operation)(**request)
        return raised.value

    return region.run(call)


@pytest.mark.parametrize(("fault", "service"), EXPECTED)
def test_each_service_refuses_in_its_own_words(region: Region, fault: str, service: str) -> None:
    """The class is that of the client's `exceptions`, as boto3's client has it too."""
    name, code, status = EXPECTED[fault, service]
    operation, request = REQUESTS[service]
    error = refusal(region, fault, service, operation, request)
    assert error.response["Error"]["Code"] == code
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert error.operation_name == operation.title().replace("_", "")
    client = region.process().client(service)
    assert type(error) is (getattr(client.exceptions, name) if name else ClientError)
    shapes = boto3.client(service, region_name="us-east-1").meta.service_model.error_shapes
    modelled = [shape for shape in shapes if code in (shape.name, shape.error_code)]
    assert [shape.name for shape in modelled] == ([name] if name else [])
    if modelled and "httpStatusCode" in (told := modelled[0].metadata.get("error", {})):
        assert told["httpStatusCode"] == status


def test_a_conflict_cancels_a_transaction_with_reasons(region: Region) -> None:
    """One for each of its items, in order, and nothing is written."""
    error = refusal(region, "conflict", "dynamodb", "transact_write_items", TWO_WRITES)
    assert type(error) is region.process().client("dynamodb").exceptions.TransactionCanceledException
    assert error.response["Error"]["Code"] == "TransactionCanceledException"
    assert error.response["CancellationReasons"] == [
        {"Code": "TransactionConflict", "Message": CONFLICT_MESSAGE},
        {"Code": "None"},
    ]
    assert region.things() == []


def test_only_a_transaction_has_conflicts(region: Region) -> None:
    """Nothing else is asked for one."""
    region.faults.inject("conflict")
    region.run(lambda: region.put(region.process(), "a"))
    assert region.things() == ["a"]


CHECKED = {"TableName": "things", "ConditionExpression": "attribute_not_exists(id)"}
KEY = {"Key": {"id": {"S": "b"}}, "UpdateExpression": "SET amount = :n"}
PUT_UPDATE_PUT = {
    "TransactItems": [
        {"Put": {**CHECKED, "Item": {"id": {"S": "a"}}}},
        {"Update": {**CHECKED, **KEY, "ExpressionAttributeValues": {":n": {"N": "1"}}}},
        {"Put": {"TableName": "things", "Item": {"id": {"S": "c"}}}},
    ]
}


class TestReasonsInPart:
    def test_one_reason_of_several_is_named(self, region: Region) -> None:
        """An update's, which says least."""
        region.run(lambda: [region.put(region.process(), each) for each in "ab"])
        error = refusal(region, "reasons_in_part", "dynamodb", "transact_write_items", PUT_UPDATE_PUT)
        assert type(error) is region.process().client("dynamodb").exceptions.TransactionCanceledException
        codes = [reason["Code"] for reason in error.response["CancellationReasons"]]
        assert codes == ["None", "ConditionalCheckFailed", "None"]

    def test_the_only_reason_is_named(self, region: Region) -> None:
        """As it is without the fault."""
        region.run(lambda: region.put(region.process(), "a"))
        error = refusal(region, "reasons_in_part", "dynamodb", "transact_write_items", PUT_UPDATE_PUT)
        codes = [reason["Code"] for reason in error.response["CancellationReasons"]]
        assert codes == ["ConditionalCheckFailed", "None", "None"]

    def test_a_transaction_that_is_not_cancelled_is_carried_out(self, region: Region) -> None:
        """There is nothing to leave out."""
        region.faults.inject("reasons_in_part")
        region.run(lambda: region.process().client("dynamodb").transact_write_items(**TWO_WRITES))
        assert region.things() == ["a", "b"]
