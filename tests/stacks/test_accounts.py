"""Other accounts at the topic: nobody but those who were let in, for what they were let in for."""

from __future__ import annotations

from typing import Any

import pytest

from messaging.topic import TOPIC_ARN_OUTPUT
from stacks.accounts import parse_accounts
from stacks.errors import SynthError
from tests.lambdas.permissions.iam import Request, decide
from tests.stacks.conftest import Synthesize
from tests.stacks.synthesized import MAIL_FROM, Assembly, Json

SHOP, WAREHOUSE = "111122223333", "000000000042"


def allowed(assembly: Assembly) -> list[Json]:
    """What the topic's policy allows to anybody."""
    topic = {"Ref": assembly.messaging.logical_id(TOPIC_ARN_OUTPUT)}
    (policy,) = [each for each in assembly.messaging.properties("AWS::SNS::TopicPolicy") if each["Topics"] == [topic]]
    statements: list[Json] = policy["PolicyDocument"]["Statement"]
    assert all(each["Resource"] == topic for each in statements)
    denied, *allowed = statements
    assert denied["Effect"] == "Deny"
    return allowed


def test_by_default_no_other_account_is_let_in(dev: Assembly) -> None:
    """The account's own roles go by their own policies."""
    assert allowed(dev) == []


def test_a_publisher_may_publish_and_no_more(synth: Synthesize) -> None:
    """All of them in one statement, for one action."""
    assembly = synth(mail_from=MAIL_FROM, publisher_accounts=f"{SHOP},{WAREHOUSE}")
    (statement,) = allowed(assembly)
    assert statement["Effect"] == "Allow"
    assert statement["Principal"] == {"AWS": [SHOP, WAREHOUSE]}
    assert statement["Action"] == "sns:Publish"


def test_a_subscriber_may_subscribe_queues_of_its_own_and_nothing_else(synth: Synthesize) -> None:
    """Not the other subscriber's queues, no URL and no address: each account has its own statement."""
    assembly = synth(mail_from=MAIL_FROM, subscriber_accounts=f"{SHOP}, {WAREHOUSE}")
    for statement, account in zip(allowed(assembly), (SHOP, WAREHOUSE), strict=True):
        assert statement["Effect"] == "Allow"
        assert statement["Principal"] == {"AWS": account}
        assert statement["Action"] == "sns:Subscribe"
        endpoint = statement["Condition"]["StringLike"].pop("sns:Endpoint")["Fn::Join"][1]
        words = [word if isinstance(word, str) else word["Ref"] for word in endpoint]
        assert "".join(words) == f"arn:AWS::Partition:sqs:AWS::Region:{account}:*"
        assert statement["Condition"] == {"StringEquals": {"sns:Protocol": "sqs"}, "StringLike": {}}


@pytest.mark.parametrize(
    ("account", "protocol", "endpoint", "lets_in"),
    [
        (SHOP, "sqs", f"arn:aws:sqs:eu-north-1:{SHOP}:theirs.fifo", True),
        (SHOP, "sqs", f"arn:aws:sqs:eu-north-1:{WAREHOUSE}:others", False),
        (SHOP, "sqs", f"arn:aws:sqs:us-east-1:{SHOP}:elsewhere", False),
        (SHOP, "lambda", f"arn:aws:lambda:eu-north-1:{SHOP}:function:theirs", False),
        (SHOP, "https", "https://collector.example.com", False),
        ("444455556666", "sqs", "arn:aws:sqs:eu-north-1:444455556666:strangers", False),
    ],
)
def test_iam_lets_in_what_it_should(
    synth: Synthesize, account: str, protocol: str, endpoint: str, lets_in: bool
) -> None:
    """The policy judged as AWS judges it, in one region and account."""
    assembly = synth(mail_from=MAIL_FROM, subscriber_accounts=f"{SHOP},{WAREHOUSE}")
    policy = in_region(allowed(assembly), "eu-north-1")
    context = {"sns:Protocol": protocol, "sns:Endpoint": endpoint}
    assert decide(policy, Request("sns:Subscribe", TOPIC_ARN, context, account)) is lets_in
    assert not decide(policy, Request("sns:Publish", TOPIC_ARN, context, account))


TOPIC_ARN = "arn:aws:sns:eu-north-1:999999999999:waybill-dev-orders.fifo"


def in_region(value: Any, region: str) -> Any:
    """A policy of the topic without its references."""
    if isinstance(value, list):
        return [in_region(each, region) for each in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Join" in value:
        return "".join(in_region(each, region) for each in value["Fn::Join"][1])
    if "Ref" in value:
        return {"AWS::Region": region, "AWS::Partition": "aws"}.get(value["Ref"], TOPIC_ARN)
    return {name: in_region(each, region) for name, each in value.items()}


def test_the_consumers_know_nothing_of_other_accounts(synth: Synthesize, dev: Assembly) -> None:
    """Who else publishes or subscribes changes one policy of the messaging stack."""
    open_to_others = synth(mail_from=MAIL_FROM, publisher_accounts=SHOP, subscriber_accounts=WAREHOUSE)
    assert open_to_others.consumers.text == dev.consumers.text


@pytest.mark.parametrize("option", ["publisher_accounts", "subscriber_accounts"])
@pytest.mark.parametrize(
    "value", ["*", "11112222333", "1111222233334", "1111-2222-3333", f"{SHOP};{WAREHOUSE}", f"{SHOP},", "١١١١٢٢٢٢٣٣٣٣"]
)
def test_what_is_no_account_is_refused(synth: Synthesize, option: str, value: str) -> None:
    """The option is named, and what it takes."""
    with pytest.raises(SynthError, match=rf"-c {option}=.*12 digits"):
        synth(**{option: value})


def test_each_account_counts_once() -> None:
    """In the order in which they were named."""
    assert parse_accounts("publisher_accounts", f"{SHOP}, {WAREHOUSE},{SHOP}") == (SHOP, WAREHOUSE)
    assert parse_accounts("publisher_accounts", None) == ()
