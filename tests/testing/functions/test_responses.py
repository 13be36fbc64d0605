"""Which answers hand back what: as documented, and as recorded on AWS.

Documented: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#sqs-batchfailurereporting-conditions

Recorded means by LocalStack, in its tests test_lambda_integration_{sqs,dynamodbstreams,kinesis}.py:
https://github.com/localstack/localstack/tree/8b9a79f05846835cf4dff63ab7eefdde9df83783
"""

from __future__ import annotations

from typing import Any

import pytest

from testing.functions.responses import failed_ids
from tests.testing.functions.region import failures

BATCH = ["m1", "m2", "m3"]


@pytest.mark.parametrize(
    ("answer", "handed_back"),
    [
        (failures("m2"), ["m2"]),
        (failures("m3", "m1"), ["m3", "m1"]),
        (failures("m2", "m2"), ["m2", "m2"]),
        (failures(*BATCH), BATCH),
        ({"batchItemFailures": [{"itemIdentifier": "m2", "reason": "and more"}], "more": 1}, ["m2"]),
    ],
)
def test_what_is_named_is_handed_back(answer: Any, handed_back: list[str]) -> None:
    """And nothing else."""
    assert failed_ids(answer, BATCH) == handed_back


@pytest.mark.parametrize(
    "answer",
    [
        # Recorded, for streams; {} for queues too.
        *(None, "", [], {}, {"batchItemFailures": []}, {"batchItemFailures": None}),
        # An object without the key is an empty one: so a misspelt key loses messages.
        *({"batchItemFailure": [{"itemIdentifier": "m1"}]}, {"BatchItemFailures": [{"itemIdentifier": "m1"}]}),
        {"statusCode": 500, "body": '{"batchItemFailures": [{"itemIdentifier": "m1"}]}'},
    ],
)
def test_an_answer_that_says_nothing_of_failures_is_success(answer: Any) -> None:
    """Whatever else it says."""
    assert failed_ids(answer, BATCH) == []


@pytest.mark.parametrize(
    "entry",
    [
        # Recorded, for streams; a wrong key for queues too.
        *({"itemIdentifier": 123}, {"itemIdentifier": ""}, {"itemIdentifier": None}, {"foo": 123}, {"foo": None}),
        # Documented, for queues: a message ID that doesn't exist.
        {"itemIdentifier": "m4"},
        # By the same rule.
        *({}, {"itemidentifier": "m1"}, {"itemIdentifier": ["m1"]}, "m1", None, 1, ["m1"]),
    ],
)
@pytest.mark.parametrize("beside", [[], [{"itemIdentifier": "m1"}]], ids=["alone", "beside a sound one"])
def test_an_entry_that_names_no_message_hands_back_all(entry: Any, beside: list[Any]) -> None:
    """Also what is not named."""
    assert failed_ids({"batchItemFailures": [*beside, entry]}, BATCH) == BATCH
    assert failed_ids({"batchItemFailures": [entry, *beside]}, BATCH) == BATCH


@pytest.mark.parametrize(
    "answer",
    [
        *("done", 0, 1, True, False, [{"itemIdentifier": "m1"}], ["m1"]),
        *({"batchItemFailures": each} for each in ("m1", {"itemIdentifier": "m1"}, 1, 0, False, "", {})),
    ],
)
def test_what_is_no_answer_of_this_form_hands_back_all(answer: Any) -> None:
    """The documentation calls it an invalid JSON response, and does not say what is one."""
    assert failed_ids(answer, BATCH) == BATCH


@pytest.mark.parametrize("answer", ["done", failures("m4"), {"batchItemFailures": "m1"}])
def test_what_is_handed_back_is_not_the_batch_itself(answer: Any) -> None:
    """Whoever changes it changes nothing else."""
    assert failed_ids(answer, BATCH) is not BATCH
