"""The form of a PublishBatch is what botocore would have sent."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.publisher import Publisher
from messaging.sns_form import encode_forms_of, form
from messaging.topology import ORDERS
from testing.botocore_seam import session
from tests.factories import order

AWKWARD = 'Bj\u00f6rk & S\u00f8n, "80%" = \u4e80\U0001f600 ~_-.*+/?#\n'


@given(st.dictionaries(st.from_regex(r"[A-Za-z0-9.]+", fullmatch=True), st.text(st.characters(codec="utf-8"))))
def test_a_form_is_encoded_as_the_standard_library_does_it(fields: dict[str, str]) -> None:
    """Any script, any punctuation, byte for byte."""
    assert form(fields) == urlencode(fields).encode()


@pytest.mark.parametrize("publishers", [1, 2])
def test_a_publishers_client_sends_the_same_bytes_as_before(publishers: int) -> None:
    """A batch of awkward entries is the same request to the byte, and is encoded once however many share the client."""
    plain, hooked = Sender(), Sender()
    for _ in range(publishers):
        publisher = Publisher(hooked.client, topic=ORDERS, topic_arn="arn:topic", source="urn:waybill:test")
        publisher.publish([order()])

    for sender in (plain, hooked):
        sender.send()

    assert hooked.bodies[publishers:] == plain.bodies
    assert (plain.encoded_early, hooked.encoded_early) == ([False], [True] * (publishers + 1))


def test_what_is_no_client_of_boto3s_is_left_alone() -> None:
    """A stand-in has no events to hook into."""
    encode_forms_of(object())


class Sender:
    """A real client, the bodies that it signs, and whether they were encoded before botocore made the request."""

    def __init__(self) -> None:
        self.client: Any = session(lambda *_: {"Successful": [], "Failed": []}).create_client("sns")
        self.bodies: list[bytes] = []
        self.encoded_early: list[bool] = []
        self.client.meta.events.register("before-sign.sns", lambda request, **_: self._note(request))

    def send(self) -> None:
        """One batch of two entries."""
        attributes = {"priority": {"DataType": "String", "StringValue": AWKWARD}}
        entries = [
            {"Id": str(n), "Message": AWKWARD * 9, "MessageGroupId": "g", "MessageAttributes": attributes}
            for n in range(2)
        ]
        self.client.publish_batch(TopicArn="arn:aws:sns:us-east-1:0:t.fifo", PublishBatchRequestEntries=entries)

    def _note(self, request: Any) -> None:
        self.encoded_early.append(isinstance(request.data, bytes))
        self.bodies.append(request.body)
