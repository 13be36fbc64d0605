"""Encryption at rest: by AWS's own keys; with `-c kms=true` by one key, for those who need it and nobody else."""

from __future__ import annotations

import pytest
from aws_cdk import App

from messaging.subscription import Subscription
from messaging.topic import TOPIC_ARN_OUTPUT
from messaging.topology import ORDERS
from stacks.deployment import Deployment
from stacks.encryption import DATA_KEY_REUSE_SECONDS, key_statements
from stacks.errors import SynthError
from stacks.messaging_stack import ALARM_TOPIC_ARN_OUTPUT, KEY_ARN_OUTPUT
from tests.stacks.conftest import Synthesize
from tests.stacks.synthesized import MAIL_FROM, Assembly, Json

OTHER_ACCOUNT = "111122223333"


@pytest.fixture(scope="module")
def keyed(synth: Synthesize) -> Assembly:
    """A deployment with a key, a canary and a publisher of another account."""
    return synth(stage="prod", canary="on", mail_from=MAIL_FROM, kms="true", publisher_accounts=OTHER_ACCOUNT)


def imported_key(assembly: Assembly) -> Json:
    """The key's ARN as the consumers stack says it."""
    value = {"Fn::GetAtt": [key_id(assembly), "Arn"]}
    outputs = assembly.messaging.body["Outputs"].values()
    (name,) = [each["Export"]["Name"] for each in outputs if each["Value"] == value and "Export" in each]
    return {"Fn::ImportValue": name}


def key_id(assembly: Assembly) -> str:
    """The key's logical id."""
    logical_id: str = assembly.messaging.body["Outputs"][KEY_ARN_OUTPUT]["Value"]["Fn::GetAtt"][0]
    return logical_id


def key(assembly: Assembly) -> Json:
    """The key, whole."""
    resource: Json = assembly.messaging.body["Resources"][key_id(assembly)]
    return resource


def joined(value: Json) -> str:
    """An ARN with the names of what CloudFormation will put there."""
    return "".join(word if isinstance(word, str) else word["Ref"] for word in value["Fn::Join"][1])


def test_by_default_there_is_no_key(dev: Assembly) -> None:
    """Queues are encrypted by SQS, topics by SNS: nothing costs, and nobody needs a right to a key."""
    for template in (dev.messaging, dev.consumers):
        assert "kms" not in template.text.lower()
    assert all(queue["SqsManagedSseEnabled"] is True for queue in dev.consumers.properties("AWS::SQS::Queue"))


def test_there_is_one_key_that_is_rotated(keyed: Assembly, synth: Synthesize) -> None:
    """In prod it outlives the stack, as the queues do that are encrypted with it."""
    assert keyed.messaging.resources("AWS::KMS::Key") == [key(keyed)]
    assert keyed.consumers.resources("AWS::KMS::Key") == []
    assert key(keyed)["Properties"]["EnableKeyRotation"] is True
    assert key(keyed)["Properties"]["PendingWindowInDays"] == 30
    assert key(keyed)["DeletionPolicy"] == key(keyed)["UpdateReplacePolicy"] == "Retain"
    in_dev = key(synth(mail_from=MAIL_FROM, kms="true"))
    assert (in_dev["Properties"]["PendingWindowInDays"], in_dev.get("DeletionPolicy")) == (7, None)


def test_it_encrypts_both_topics_and_every_queue(keyed: Assembly) -> None:
    """No queue is told to use SQS's key besides, which SQS would refuse."""
    for output in (TOPIC_ARN_OUTPUT, ALARM_TOPIC_ARN_OUTPUT):
        assert keyed.messaging.behind(output)["Properties"]["KmsMasterKeyId"] == {"Fn::GetAtt": [key_id(keyed), "Arn"]}
    queues = keyed.consumers.properties("AWS::SQS::Queue")
    assert len(queues) == 3 * (len(ORDERS.subscriptions) + 1)
    for queue in queues:
        assert queue["KmsMasterKeyId"] == imported_key(keyed)
        assert queue["KmsDataKeyReusePeriodSeconds"] == DATA_KEY_REUSE_SECONDS
        assert "SqsManagedSseEnabled" not in queue


def test_data_keys_live_as_long_as_sqs_lets_them() -> None:
    """A minute to a day. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html"""
    assert 60 <= DATA_KEY_REUSE_SECONDS <= 86_400


def test_tables_and_logs_stay_with_keys_of_aws(keyed: Assembly) -> None:
    """So says docs/security.md."""
    for table in keyed.messaging.properties("AWS::DynamoDB::Table"):
        assert table["SSESpecification"] == {"SSEEnabled": False}
    assert not any("KmsKeyId" in group for group in keyed.consumers.properties("AWS::Logs::LogGroup"))


def test_the_keys_policy_names_every_user_and_its_source(keyed: Assembly) -> None:
    """The account, the topic's deliveries, this account's alarms, and through SNS alone publishers elsewhere."""
    account, deliveries, alarms, publishers = key(keyed)["Properties"]["KeyPolicy"]["Statement"]
    assert joined(account["Principal"]["AWS"]) == "arn:AWS::Partition:iam::AWS::AccountId:root"
    assert account["Action"] == "kms:*"
    assert deliveries["Principal"] == {"Service": "sns.amazonaws.com"}
    topic = keyed.messaging.behind(TOPIC_ARN_OUTPUT)["Properties"]["TopicName"]
    source = deliveries["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert joined(source) == f"arn:AWS::Partition:sns:AWS::Region:AWS::AccountId:{topic}"
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert alarms["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    alarm = alarms["Condition"]["ArnLike"]["aws:SourceArn"]
    assert joined(alarm) == "arn:AWS::Partition:cloudwatch:AWS::Region:AWS::AccountId:alarm:*"
    assert publishers["Principal"] == {"AWS": [OTHER_ACCOUNT]}
    assert joined(publishers["Condition"]["StringEquals"]["kms:ViaService"]) == "sns.AWS::Region.AWS::URLSuffix"
    for statement in (deliveries, alarms, publishers):
        assert statement["Action"] == ["kms:GenerateDataKey*", "kms:Decrypt"]
    for statement in (account, deliveries, alarms, publishers):
        assert (statement["Effect"], statement["Resource"]) == ("Allow", "*")


def test_without_publishers_of_other_accounts_none_is_named(synth: Synthesize) -> None:
    """Three statements are left."""
    statements = key(synth(mail_from=MAIL_FROM, kms="true"))["Properties"]["KeyPolicy"]["Statement"]
    assert [*statements[0]["Principal"], *(name for each in statements[1:] for name in each["Principal"])] == [
        "AWS",
        "Service",
        "Service",
    ]


def test_who_receives_may_decrypt_and_who_sends_may_have_data_keys(keyed: Assembly, row: Subscription) -> None:
    """A consumer does both: it parks dead letters."""
    statements = keyed.consumers.role_statements(row)
    (used,) = [each for each in statements if any(action.startswith("kms:") for action in each["Action"])]
    assert used == {
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": [imported_key(keyed)],
    }


def test_the_publishers_of_the_shop_may_use_it_too(keyed: Assembly) -> None:
    """The relay, and the publisher of heartbeats: a topic with a key refuses who may not use the key."""
    roles = keyed.consumers.properties("AWS::IAM::Role")
    assert len(roles) == len(ORDERS.subscriptions) + 3
    for role in roles:
        (policy,) = role["Policies"]
        actions = [action for each in policy["PolicyDocument"]["Statement"] for action in each["Action"]]
        assert actions.count("kms:GenerateDataKey") == actions.count("kms:Decrypt") == 1


@pytest.mark.parametrize(
    ("action", "needed"),
    [
        ("sqs:ReceiveMessage", ["kms:Decrypt"]),
        ("sqs:SendMessage", ["kms:Decrypt", "kms:GenerateDataKey"]),
        ("sns:Publish", ["kms:Decrypt", "kms:GenerateDataKey"]),
    ],
)
def test_needs_derive_from_what_is_allowed(action: str, needed: list[str]) -> None:
    """Action by action."""
    statement = {"Effect": "Allow", "Action": [action], "Resource": ["x"]}
    (used,) = key_statements([statement], "arn:key")
    assert (used["Action"], used["Resource"]) == (needed, ["arn:key"])
    assert [*key_statements([statement], None)] == []


def test_who_touches_no_message_gets_no_key() -> None:
    """Tables are not encrypted with it."""
    statement = {"Effect": "Allow", "Action": ["dynamodb:GetItem"], "Resource": ["x"]}
    assert [*key_statements([statement], "arn:key")] == []


def test_it_is_true_or_false() -> None:
    """Anything else is refused, with the option's name."""
    assert Deployment.from_context(App(context={"kms": "true"}).node).kms
    with pytest.raises(SynthError, match="-c kms=yes: it must be one of false, true"):
        Deployment.from_context(App(context={"kms": "yes"}).node)
