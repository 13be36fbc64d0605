"""The mailbox: what it remembers, what it refuses, and that it drops no repeat."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.notifications import confirmation
from testing.scheduler import Scheduler
from testing.ses import Client, Mail, Mailbox, NotImplementedHere
from tests.factories import order


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox(Scheduler(seed=1))


def mail(**changes: Any) -> dict[str, Any]:
    return {
        "FromEmailAddress": "Shop <shop@example.com>",
        "Destination": {"ToAddresses": ["someone@example.com"]},
        "Content": {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "text"}}}},
        **changes,
    }


def simple(**changes: Any) -> dict[str, Any]:
    return {"Content": {"Simple": {**mail()["Content"]["Simple"], **changes}}}


def header(name: str, value: str) -> dict[str, Any]:
    return simple(Headers=[{"Name": name, "Value": value}])


def test_an_e_mail_is_remembered(mailbox: Mailbox) -> None:
    """What the notifications send, with its idempotency key; a second one is a second e-mail."""
    client = Client(mailbox)
    request: dict[str, Any] = confirmation(order("1001"), "shop@example.com", "notifications/OrderPlaced-1001")
    first, second = (client.send_email(**request)["MessageId"] for _ in range(2))
    assert first != second
    assert mailbox.mails[0] == Mail(
        message_id=first,
        sender="shop@example.com",
        to=(f"success+{order('1001').customer_id}@simulator.amazonses.com",),
        subject="We have your order 1001",
        idempotency_key="notifications/OrderPlaced-1001",
        at=1_790_000_000.0,
    )
    assert mailbox.sent == {"notifications/OrderPlaced-1001": 2}


def test_an_e_mail_without_a_key_is_only_remembered(mailbox: Mailbox) -> None:
    """With all its recipients. A header's name may be written in any case."""
    destination = {"ToAddresses": ["a@b.c"], "CcAddresses": ["d@e.f"], "BccAddresses": ["g@h.i"]}
    mailbox.execute("SendEmail", mail(Destination=destination))
    assert (mailbox.mails[0].to, mailbox.mails[0].idempotency_key) == (("a@b.c", "d@e.f", "g@h.i"), None)
    assert mailbox.sent == {}
    mailbox.execute("SendEmail", mail(**header("IDEMPOTENCY-key", "k")))
    assert mailbox.sent == {"k": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"Destination": {}},
        {"Destination": {"ToAddresses": []}},
        {"Destination": {"ToAddresses": [""]}},
        {"Destination": {"ToAddresses": ["nobody"]}},
        {"Destination": {"ToAddresses": ["@example.com"]}},
        {"Destination": {"ToAddresses": ["some one@example.com"]}},
        {"Destination": {"ToAddresses": ["someone@exam\nple.com"]}},
        {"Destination": {"ToAddresses": ["jürgen@example.com"]}},
        {"Destination": {"ToAddresses": ["a@b.c"] * 51}},
        {"FromEmailAddress": "Shop"},
        {"Content": {}},
        simple(Subject={"Data": "Hello\r\nBcc: everyone@example.com"}),
        simple(Body={}),
        header("Idempotency-Key", "two\nlines"),
        header("Idempotency-Key", "ümlaut"),
        header("Idempotency-Key", ""),
        header("Idempotency-Key", "x" * 982),
        header("Idempotency: Key", "k"),
        simple(Headers=[{"Name": "X", "Value": "y"}] * 16),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(mailbox: Mailbox, changes: dict[str, Any]) -> None:
    """As a BadRequestException; nothing is sent."""
    client = Client(mailbox)
    with pytest.raises(ClientError, match="BadRequestException") as raised:
        client.send_email(**mail(**changes))
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert isinstance(raised.value, client.exceptions.BadRequestException)
    assert mailbox.mails == []


def test_what_this_ses_does_not_have_is_said(mailbox: Mailbox) -> None:
    """Rather than ignored."""
    with pytest.raises(NotImplementedHere, match=r"Content\.Raw"):
        mailbox.execute("SendEmail", mail(Content={"Raw": {"Data": b""}}))
    with pytest.raises(NotImplementedHere, match="TenantName"):
        mailbox.execute("SendEmail", mail(TenantName="t"))
    with pytest.raises(NotImplementedHere, match="operation SendBulkEmail"):
        mailbox.execute("SendBulkEmail", {})
