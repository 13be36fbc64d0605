"""Real botocore clients over services in this process: what goes out, what comes back, and what is tried again."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)

from testing import dynamodb, sns
from testing.botocore_seam import session
from testing.scheduler import Scheduler
from testing.ses import Mailbox

URL = "https://dynamodb.us-east-1.amazonaws.com/"
ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})
STANDARD = Config(retries={"mode": "standard", "total_max_attempts": 3})
LEGACY = Config(retries={"mode": "legacy", "total_max_attempts": 3})


class Refused(Exception):
    """As services in memory refuse."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code, self.message = code, f"{code} & <more>"


class ToldInFull(Exception):
    """A refusal that brings the name of its model and its status along."""

    code, message, shape, status = "InvalidParameterValue", "wrong", "InvalidParameterValueException", 418


class Killed(BaseException):
    """What ends a process."""


class Services:
    """Services on one clock. What is in `before` or `after` a call is raised, one for each call, None for nothing."""

    def __init__(self) -> None:
        self.scheduler = Scheduler(seed=1)
        self.store = dynamodb.Store(self.scheduler.time)
        self.store.create_table("stock", "sku")
        self.sns = sns.Sns(self.scheduler)
        self.mailbox = Mailbox(self.scheduler)
        self.queue: dict[str, Any] = {}
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.before: list[BaseException | None] = []
        self.after: list[BaseException | None] = []
        self.pauses: list[float] = []
        self._executes: dict[str, Callable[[str, dict[str, Any]], Mapping[str, Any]]] = {
            "dynamodb": self.store.execute,
            "sns": self.sns.execute,
            "sesv2": self.mailbox.execute,
            "sqs": self._sqs,
        }

    def execute(self, service: str, operation: str, request: dict[str, Any]) -> Mapping[str, Any]:
        self.calls.append((service, operation, request))
        _raise_next(self.before)
        reply = self._executes[service](operation, request)
        _raise_next(self.after)
        return reply

    def client(self, service: str, config: Config = ONE_ATTEMPT, seed: int = 0) -> Any:
        made = session(self.execute, sleep=self._sleep, random=Random(seed))
        return made.create_client(service, config=config)

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.scheduler.sleep(seconds)

    def _sqs(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation == "SendMessage":
            self.queue = {"Body": request["MessageBody"], "MessageAttributes": request["MessageAttributes"]}
            return {"MessageId": "m"}
        if operation == "ReceiveMessage":
            received = {"MessageId": "m", "ReceiptHandle": "r", "Attributes": {"ApproximateReceiveCount": "1"}}
            return {"Messages": [{**received, **self.queue}]}
        return {}


def _raise_next(errors: list[BaseException | None]) -> None:
    error = errors.pop(0) if errors else None
    if error is not None:
        raise error


@pytest.fixture(autouse=True)
def sealed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No socket can be opened, nobody waits, and the environment is full of traps."""

    def no_socket(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    def no_sleep(seconds: float) -> None:
        assert seconds == 0, "somebody waits"

    monkeypatch.setattr(socket, "socket", no_socket)
    monkeypatch.setattr(time, "sleep", no_sleep)
    file = tmp_path / "config"
    file.write_text("[default]\nendpoint_url = http://from-file\nretry_mode = adaptive\nregion = eu-west-1\n")
    (tmp_path / ".aws").mkdir()
    for name in ("config", "credentials"):
        (tmp_path / ".aws" / name).write_text("this can't be read")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "real",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_CONFIG_FILE": str(file),
        "AWS_SHARED_CREDENTIALS_FILE": str(file),
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://from-environment",
        "AWS_MAX_ATTEMPTS": "9",
        "AWS_PROFILE": "there-is-no-such",
        "AWS_RETRY_MODE": "adaptive",
        "HOME": str(tmp_path),
        "HTTPS_PROXY": "http://proxy",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def services() -> Services:
    return Services()


class TestDynamoDb:
    def test_items_of_all_types_go_through(self, services: Services) -> None:
        """Binaries too, in sets and in depth."""
        item = {
            "sku": {"S": "ü"},
            "b": {"B": b"\x00\xff"},
            "bs": {"BS": [b"a", b"b"]},
            "deep": {"L": [{"M": {"B": {"B": b"deep"}, "n": {"N": "1.5"}}}, {"NULL": True}, {"BOOL": False}]},
        }
        client = services.client("dynamodb")
        client.put_item(TableName="stock", Item=item)
        assert services.store.items("stock") == [item]
        assert client.get_item(TableName="stock", Key={"sku": {"S": "ü"}})["Item"] == item

    def test_botocore_validates_before_anything_is_called(self, services: Services) -> None:
        """Unless it is told not to."""
        with pytest.raises(ParamValidationError, match="Missing required parameter"):
            services.client("dynamodb").put_item(TableName="stock")
        assert services.calls == []

    def test_a_condition_that_fails_is_its_modelled_exception(self, services: Services) -> None:
        """With the item, where the request asked for it."""
        client = services.client("dynamodb")
        request = {
            "TableName": "stock",
            "Item": {"sku": {"S": "a"}},
            "ConditionExpression": "attribute_not_exists(sku)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        client.put_item(**request)
        with pytest.raises(client.exceptions.ConditionalCheckFailedException) as raised:
            client.put_item(**request)
        assert raised.value.response["Item"] == {"sku": {"S": "a"}}
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.put_item(TableName="none", Item={"sku": {"S": "a"}})

    def test_a_cancelled_transaction_says_why(self, services: Services) -> None:
        """For each action."""
        client = services.client("dynamodb")
        client.put_item(TableName="stock", Item={"sku": {"S": "a"}})
        puts = [
            {"TableName": "stock", "Item": {"sku": {"S": sku}}, "ConditionExpression": "attribute_not_exists(sku)"}
            for sku in "ba"
        ]
        with pytest.raises(client.exceptions.TransactionCanceledException) as raised:
            client.transact_write_items(TransactItems=[{"Put": put} for put in puts])
        reasons = [reason["Code"] for reason in raised.value.response["CancellationReasons"]]
        assert reasons == ["None", "ConditionalCheckFailed"]

    def test_a_statement_that_fails_is_told_within_a_200(self, services: Services) -> None:
        """And raises nothing."""
        client = services.client("dynamodb")
        statement = {"Statement": "INSERT INTO stock VALUE {'sku': ?}", "Parameters": [{"S": "a"}]}
        assert client.batch_execute_statement(Statements=[statement])["Responses"] == [{"TableName": "stock"}]
        (response,) = client.batch_execute_statement(Statements=[statement])["Responses"]
        assert response["Error"]["Code"] == "DuplicateItem"

    def test_an_error_without_a_model_is_a_client_error(self, services: Services) -> None:
        """Such as ValidationException."""
        with pytest.raises(ClientError) as raised:
            services.client("dynamodb").put_item(TableName="stock", Item={})
        assert raised.value.response["Error"]["Code"] == "ValidationException"


class TestRetries:
    @pytest.mark.parametrize("config", [STANDARD, LEGACY])
    @pytest.mark.parametrize(
        "error",
        [
            Refused("ThrottlingException"),
            Refused("ProvisionedThroughputExceededException"),
            Refused("InternalServerError"),
            ConnectTimeoutError(endpoint_url=URL),
            EndpointConnectionError(endpoint_url=URL),
        ],
        ids=str,
    )
    def test_what_passes_is_tried_again(self, services: Services, config: Config, error: Exception) -> None:
        """By botocore, which waits on the virtual clock."""
        services.before = [error, error]
        began = services.scheduler.now
        reply = services.client("dynamodb", config).put_item(TableName="stock", Item={"sku": {"S": "a"}})
        assert reply["ResponseMetadata"]["RetryAttempts"] == 2
        assert len(services.calls) == 3
        assert services.scheduler.now - began == pytest.approx(sum(services.pauses))
        assert len(services.pauses) == 2
        assert all(0 < pause < 2 for pause in services.pauses)

    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            (Refused("ThrottlingException"), ClientError),
            (ReadTimeoutError(endpoint_url=URL), ReadTimeoutError),
            (ConnectTimeoutError(endpoint_url=URL), ConnectTimeoutError),
        ],
        ids=str,
    )
    def test_in_the_end_it_gives_up(self, services: Services, error: Exception, expected: type[Exception]) -> None:
        """After as many attempts as its configuration says."""
        services.before = [error] * 9
        with pytest.raises(expected):
            services.client("dynamodb", STANDARD).list_tables()
        assert len(services.calls) == 3
        services.calls.clear()
        with pytest.raises(expected):
            services.client("dynamodb", ONE_ATTEMPT).list_tables()
        assert len(services.calls) == 1

    def test_a_lost_reply_is_asked_for_again(self, services: Services) -> None:
        """With the same token: so DynamoDB does a transaction once."""
        services.after = [ReadTimeoutError(endpoint_url=URL)]
        update = {
            "TableName": "stock",
            "Key": {"sku": {"S": "a"}},
            "UpdateExpression": "ADD units :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
        services.client("dynamodb", STANDARD).transact_write_items(TransactItems=[{"Update": update}])
        assert services.store.items("stock") == [{"sku": {"S": "a"}, "units": {"N": "1"}}]
        first, second = (request["ClientRequestToken"] for _, _, request in services.calls)
        assert first == second

    def test_chance_comes_from_the_seed(self, services: Services) -> None:
        """Tokens and pauses; everybody's own is left alone."""
        seen = []
        check = {"TableName": "stock", "Key": {"sku": {"S": "z"}}, "ConditionExpression": "attribute_exists(sku)"}
        for everybodys, seed in enumerate((7, 7, 8)):
            random.seed(everybodys)
            expected = random.random()
            random.seed(everybodys)
            services.before, services.pauses = [Refused("ThrottlingException")] * 2, []
            client = services.client("dynamodb", STANDARD, seed)
            with pytest.raises(client.exceptions.TransactionCanceledException):
                client.transact_write_items(TransactItems=[{"ConditionCheck": check}])
            seen.append((services.calls[-1][2]["ClientRequestToken"], tuple(services.pauses)))
            assert random.random() == expected
        assert seen[0] == seen[1] != seen[2]

    def test_what_ends_a_process_passes_at_once(self, services: Services) -> None:
        """Nothing of botocore's stands in its way, between attempts neither."""
        services.before = [Killed()]
        with pytest.raises(Killed):
            services.client("dynamodb", STANDARD).list_tables()
        assert len(services.calls) == 1

        def killed(_: float) -> None:
            raise Killed

        services.before = [Refused("ThrottlingException")]
        client = session(services.execute, sleep=killed).create_client("dynamodb", config=STANDARD)
        with pytest.raises(Killed):
            client.list_tables()
        assert len(services.calls) == 2

    def test_what_is_broken_here_is_not_hidden(self, services: Services) -> None:
        """A bug in a service comes out as it is, after one attempt."""
        services.before = [KeyError("a bug")] * 3
        with pytest.raises(KeyError, match="a bug"):
            services.client("dynamodb", STANDARD).list_tables()
        assert len(services.calls) == 1


QUEUE = "https://sqs.us-east-1.amazonaws.com/000000000000/q"


class TestSqs:
    def test_messages_go_through(self, services: Services) -> None:
        """With binary attributes."""
        client = services.client("sqs")
        attributes = {
            "s": {"DataType": "String", "StringValue": "v"},
            "b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        }
        client.send_message(QueueUrl=QUEUE, MessageBody="ü", MessageAttributes=attributes)
        assert services.calls == [
            ("sqs", "SendMessage", {"QueueUrl": QUEUE, "MessageBody": "ü", "MessageAttributes": attributes})
        ]
        (received,) = client.receive_message(QueueUrl=QUEUE, MaxNumberOfMessages=10)["Messages"]
        assert (received["Body"], received["MessageAttributes"]) == ("ü", attributes)
        assert received["Attributes"] == {"ApproximateReceiveCount": "1"}
        assert services.calls[1][2] == {"QueueUrl": QUEUE, "MaxNumberOfMessages": 10}
        client.delete_message(QueueUrl=QUEUE, ReceiptHandle="r")

    @pytest.mark.parametrize("code", ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"])
    def test_errors_have_the_code_of_the_former_protocol(self, services: Services, code: str) -> None:
        """And the class of the present one, whichever of both names the service gives."""
        client = services.client("sqs")
        services.before = [Refused(code)]
        with pytest.raises(client.exceptions.QueueDoesNotExist) as raised:
            client.delete_message(QueueUrl=QUEUE, ReceiptHandle="r")
        assert raised.value.response["Error"] == {
            "Message": f"{code} & <more>",
            "Code": "AWS.SimpleQueueService.NonExistentQueue",
            "QueryErrorCode": "QueueDoesNotExist",
            "Type": "Sender",
        }

    def test_other_errors(self, services: Services) -> None:
        """Those without a second name have the same one twice; a throttle is tried again."""
        client = services.client("sqs", STANDARD)
        services.before = [Refused("RequestThrottled"), Refused("ReceiptHandleIsInvalid")]
        with pytest.raises(client.exceptions.ReceiptHandleIsInvalid) as raised:
            client.delete_message(QueueUrl=QUEUE, ReceiptHandle="r")
        assert raised.value.response["Error"]["Code"] == "ReceiptHandleIsInvalid"
        assert len(services.calls) == 2
        services.before = [ToldInFull()]
        with pytest.raises(ClientError) as raised:
            client.delete_message(QueueUrl=QUEUE, ReceiptHandle="r")
        error = raised.value.response["Error"]
        assert (error["Code"], error["QueryErrorCode"]) == ("InvalidParameterValue", "InvalidParameterValueException")
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 418


class TestSns:
    def test_a_batch_has_an_answer_for_each_entry(self, services: Services) -> None:
        """Some may have failed."""
        refusing = sns.Sns(
            services.scheduler,
            refuse=lambda _, publication: (
                sns.Refused("InternalError", "not <now>") if publication.body == "m1" else None
            ),
        )
        topic = refusing.create_topic("orders.fifo")
        requests: list[dict[str, Any]] = []

        def execute(_: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
            requests.append(request)
            return refusing.execute(operation, request)

        client = session(execute).create_client("sns")
        entries = [
            {
                "Id": str(number),
                "Message": f"m{number}",
                "MessageGroupId": "g",
                "MessageDeduplicationId": f"d&{number}=",
                "MessageAttributes": {
                    "type": {"DataType": "String", "StringValue": "ü & so on"},
                    "b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
                },
            }
            for number in range(10)
        ]
        reply = client.publish_batch(TopicArn=topic.arn, PublishBatchRequestEntries=entries)
        assert requests == [{"TopicArn": topic.arn, "PublishBatchRequestEntries": entries}]
        assert [each["Id"] for each in reply["Successful"]] == [entry["Id"] for entry in entries if entry["Id"] != "1"]
        assert reply["Successful"][0]["SequenceNumber"] == "10000000000000000000"
        assert reply["Failed"] == [{"Id": "1", "Code": "InternalError", "Message": "not <now>", "SenderFault": False}]

    def test_errors_are_the_modelled_ones(self, services: Services) -> None:
        """With their statuses; an empty list is no missing one."""
        topic = services.sns.create_topic("orders.fifo")
        client = services.client("sns")
        with pytest.raises(client.exceptions.EmptyBatchRequestException):
            client.publish_batch(TopicArn=topic.arn, PublishBatchRequestEntries=[])
        with pytest.raises(client.exceptions.NotFoundException) as raised:
            client.publish(TopicArn=f"{topic.arn}x", Message="m")
        assert raised.value.response["Error"] == {
            "Type": "Sender",
            "Code": "NotFound",
            "Message": "Topic does not exist",
        }
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
        attributes = {"a": {"DataType": "String", "StringValue": ""}}
        with pytest.raises(client.exceptions.InvalidParameterValueException, match="ParameterValueInvalid"):
            client.publish(
                TopicArn=topic.arn,
                Message="m",
                MessageGroupId="g",
                MessageDeduplicationId="d",
                MessageAttributes=attributes,
            )

    def test_a_throttle_is_tried_again(self, services: Services) -> None:
        """So is an error of the service's."""
        topic = services.sns.create_topic("orders")
        services.before = [Refused("Throttling"), Refused("InternalError")]
        reply = services.client("sns", STANDARD).publish(TopicArn=topic.arn, Message="m")
        assert len(reply["MessageId"]) == 36
        assert topic.totals.published == 1
        assert len(services.calls) == 3

    def test_what_is_read(self, services: Services) -> None:
        """Maps and lists."""
        topic = services.sns.create_topic("orders")
        client = services.client("sns")
        assert client.get_topic_attributes(TopicArn=topic.arn)["Attributes"]["TopicArn"] == topic.arn
        assert client.list_subscriptions_by_topic(TopicArn=topic.arn)["Subscriptions"] == []


MAIL = {
    "FromEmailAddress": "shop@example.com",
    "Destination": {"ToAddresses": ["someone@example.com"]},
    "Content": {
        "Simple": {
            "Subject": {"Data": "Hello"},
            "Body": {"Text": {"Data": "text"}},
            "Headers": [{"Name": "Idempotency-Key", "Value": "k"}],
        }
    },
}


class TestSes:
    def test_an_e_mail_goes_out(self, services: Services) -> None:
        """Through the REST protocol."""
        reply = services.client("sesv2").send_email(**MAIL)
        assert services.calls == [("sesv2", "SendEmail", MAIL)]
        assert reply["MessageId"] == services.mailbox.mails[0].message_id
        assert services.mailbox.sent == {"k": 1}

    def test_errors_are_the_modelled_ones(self, services: Services) -> None:
        """A throttle is tried again."""
        client = services.client("sesv2", STANDARD)
        services.before = [Refused("TooManyRequestsException")]
        with pytest.raises(client.exceptions.BadRequestException):
            client.send_email(**{**MAIL, "Destination": {}})
        assert len(services.calls) == 2
        services.before = [Refused("MessageRejected")]
        with pytest.raises(client.exceptions.MessageRejected):
            client.send_email(**MAIL)


def test_nothing_outside_is_read_and_nobody_is_called(services: Services) -> None:
    """Neither environment nor files decide where requests would go, as whom, or how often."""
    seen: list[Any] = []
    made = session(services.execute)
    made.register("before-send.dynamodb", lambda request, **_: seen.append(request))
    client = made.create_client("dynamodb", region_name="us-west-2")
    assert client.meta.config.retries["mode"] == "legacy"
    client.list_tables()
    (request,) = seen
    assert request.url == "https://dynamodb.us-west-2.amazonaws.com/"
    assert b"Credential=testing/" in request.headers["Authorization"]
    assert client.meta.endpoint_url == "https://dynamodb.us-west-2.amazonaws.com"
    assert made.create_client("sns").meta.region_name == "us-east-1"


def test_boto3_takes_the_session(services: Services) -> None:
    """For whoever has a boto3.Session."""
    client = boto3.Session(botocore_session=session(services.execute)).client("dynamodb")
    assert client.list_tables()["TableNames"] == ["stock"]


def test_an_in_memory_client_may_be_behind_it(services: Services) -> None:
    """Its ClientErrors are errors of the wire again, its ResponseMetadata is left to botocore."""
    inner = dynamodb.Client(services.store)
    client = session(lambda _, __, request: inner.put_item(**request)).create_client("dynamodb")
    request = {
        "TableName": "stock",
        "Item": {"sku": {"S": "a"}},
        "ConditionExpression": "attribute_not_exists(sku)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    assert client.put_item(**request)["ResponseMetadata"]["RequestId"].startswith("00000001")
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as raised:
        client.put_item(**request)
    assert raised.value.response["Item"] == {"sku": {"S": "a"}}


def test_what_has_no_seam_is_said(services: Services) -> None:
    """Other services, parameters outside of the body, retries that look at the wall clock, unknown members."""
    made = session(services.execute)
    with pytest.raises(NotImplementedError, match="a seam for s3"):
        made.create_client("s3")
    with pytest.raises(NotImplementedError, match="adaptive"):
        made.create_client("sns", config=Config(retries={"mode": "adaptive"}))
    with pytest.raises(NotImplementedError, match="outside of the body"):
        made.create_client("sesv2", config=ONE_ATTEMPT).get_email_identity(EmailIdentity="example.com")
    typo = session(lambda *_: {"MessageID": "m"}).create_client("sqs", config=ONE_ATTEMPT)
    with pytest.raises(KeyError, match="MessageID"):
        typo.send_message(QueueUrl=QUEUE, MessageBody="m")
