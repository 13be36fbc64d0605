"""TransactWriteItems and TransactGetItems without anybody else at the same items."""

from __future__ import annotations

from typing import Any

import pytest

from testing.dynamodb import Client, Store
from tests.testing.dynamodb.conftest import Clock
from tests.testing.dynamodb.wireformat import at, code_of, message_of, plain, put, reasons_of, refusal, update, wire


def add(key: str, amount: int = 1) -> dict[str, Any]:
    """An action that would show if it happened twice."""
    return {"Update": update("ADD n :v", {":v": amount}, id=key)}


def test_a_transaction_writes_everything_at_once(client: Client) -> None:
    """Put, Update, Delete and ConditionCheck go together, over several tables."""
    client.put_item(**put(id="gone"))
    client.put_item(**put(id="checked", n=1))
    check = {**at(id="checked"), "ConditionExpression": "n = :v", "ExpressionAttributeValues": wire({":v": 1})}
    client.transact_write_items(
        TransactItems=[
            {"Put": put("sorted", id="new", at=1)},
            add("counted"),
            {"Delete": at(id="gone")},
            {"ConditionCheck": check},
        ]
    )
    assert client.get_item(**at("sorted", id="new", at=1))["Item"] == wire({"id": "new", "at": 1})
    found = [plain(item) for item in client.scan(TableName="plain")["Items"]]
    assert sorted(found, key=lambda item: str(item["id"])) == [{"id": "checked", "n": 1}, {"id": "counted", "n": 1}]


def test_a_cancelled_transaction_writes_nothing_and_gives_every_reason_in_order(client: Client) -> None:
    """Innocents have the code None; an item is shown only where ReturnValuesOnConditionCheckFailure asks for it."""
    client.put_item(**put(id="a", n=1))
    new = {"ConditionExpression": "attribute_not_exists(id)"}
    error = refusal(
        client.transact_write_items,
        TransactItems=[
            add("innocent"),
            {"Put": {**put(id="a"), **new, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}},
            {"Delete": {**at(id="b"), "ConditionExpression": "attribute_exists(id)"}},
            {"Put": {**put(id="c"), **new}},
        ],
    )
    assert code_of(error) == "TransactionCanceledException"
    assert message_of(error) == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ConditionalCheckFailed, ConditionalCheckFailed, None]"
    )
    failed = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
    assert error.response["CancellationReasons"] == [
        {"Code": "None"},
        {**failed, "Item": wire({"id": "a", "n": 1})},
        failed,
        {"Code": "None"},
    ]
    assert [plain(item) for item in client.scan(TableName="plain")["Items"]] == [{"id": "a", "n": 1}]


@pytest.mark.parametrize("kind", ["Put", "Update", "Delete", "ConditionCheck"])
@pytest.mark.parametrize("wanted", ["ALL_OLD", "NONE", None])
def test_every_action_shows_what_was_there_only_if_asked(client: Client, kind: str, wanted: str | None) -> None:
    """ReturnValuesOnConditionCheckFailure works on all four kinds of actions."""
    client.put_item(**put(id="a", n=1))
    action = put(id="a") if kind == "Put" else at(id="a")
    action["ConditionExpression"] = "attribute_not_exists(id)"
    if wanted:
        action["ReturnValuesOnConditionCheckFailure"] = wanted
    error = refusal(client.transact_write_items, TransactItems=[{kind: action}])
    (reason,) = error.response["CancellationReasons"]
    assert reason.get("Item") == (wire({"id": "a", "n": 1}) if wanted == "ALL_OLD" else None)


def test_an_item_is_in_a_transaction_once(client: Client) -> None:
    """Two actions on one item refuse the whole request, also in reads; the same key of two tables is two items."""
    client.transact_write_items(TransactItems=[add("a"), {"Put": put("sorted", id="a", at=1)}])
    check = {"ConditionCheck": {**at(id="a"), "ConditionExpression": "attribute_exists(id)"}}
    error = refusal(client.transact_write_items, TransactItems=[add("a"), check])
    assert code_of(error) == "ValidationException"
    assert message_of(error) == "Transaction request cannot include multiple operations on one item"
    error = refusal(client.transact_get_items, TransactItems=[{"Get": at(id="a")}] * 2)
    assert message_of(error) == "Transaction request cannot include multiple operations on one item"


def test_an_update_that_does_not_fit_its_item_cancels_with_a_validation_error(client: Client) -> None:
    """What only shows at the item is that action's reason, other than a mistake in an expression."""
    client.put_item(**put(id="a", n="text"))
    error = refusal(client.transact_write_items, TransactItems=[add("b"), add("a")])
    assert error.response["CancellationReasons"] == [
        {"Code": "None"},
        {"Code": "ValidationError", "Message": "An operand in the update expression has an incorrect data type"},
    ]
    broken = {"Update": update("ADD n", id="a")}
    assert code_of(refusal(client.transact_write_items, TransactItems=[add("b"), broken])) == "ValidationException"


def test_only_the_first_misfit_is_reported(client: Client) -> None:
    """AWS validates before it evaluates: later misfits and conditions stay None."""
    failing = {"Put": {**put(id="p"), "ConditionExpression": "attribute_exists(id)"}}
    error = refusal(
        client.transact_write_items, TransactItems=[failing, {"Put": put(id=7)}, {"Put": put(id=8)}, failing]
    )
    assert reasons_of(error) == ["None", "ValidationError", "None", "None"]


def test_a_condition_check_needs_a_condition(client: Client) -> None:
    """Without one the request is refused, and so is an action of two kinds."""
    error = refusal(client.transact_write_items, TransactItems=[{"ConditionCheck": at(id="a")}])
    assert "conditionExpression" in message_of(error)
    error = refusal(client.transact_write_items, TransactItems=[{"Put": put(id="a"), "Delete": at(id="a")}])
    assert message_of(error) == "TransactItems can only contain one of Check, Put, Update or Delete"


def test_a_token_makes_a_repeated_transaction_one(client: Client, clock: Clock) -> None:
    """For ten minutes the same request with its token succeeds without doing anything."""
    request = {"TransactItems": [add("a")], "ClientRequestToken": "token"}
    client.transact_write_items(**request)
    clock.now += 600
    client.transact_write_items(**request)
    assert client.get_item(**at(id="a"))["Item"]["n"] == {"N": "1"}
    clock.now += 1
    client.transact_write_items(**request)
    assert client.get_item(**at(id="a"))["Item"]["n"] == {"N": "2"}


def test_a_token_belongs_to_one_request(client: Client) -> None:
    """Another request with the token is refused, and a cancelled one leaves the token free."""
    failing = {"Delete": {**at(id="a"), "ConditionExpression": "attribute_exists(id)"}}
    refusal(client.transact_write_items, TransactItems=[failing], ClientRequestToken="token")
    client.transact_write_items(TransactItems=[add("a")], ClientRequestToken="token")
    error = refusal(client.transact_write_items, TransactItems=[add("a", 2)], ClientRequestToken="token")
    assert isinstance(error, client.exceptions.IdempotentParameterMismatchException)
    error = refusal(client.transact_write_items, TransactItems=[add("a")], ClientRequestToken="x" * 37)
    assert "clientRequestToken" in message_of(error)


def test_a_token_in_use_is_refused_until_its_transaction_is_through(client: Client, store: Store) -> None:
    """Between the steps a repetition is in progress; after an abort the token is free again."""
    request = {"TransactItems": [add("a")], "ClientRequestToken": "token"}
    prepared = store.prepare(request)
    error = refusal(client.transact_write_items, **request)
    assert isinstance(error, client.exceptions.TransactionInProgressException)
    store.abort(prepared)
    client.transact_write_items(**request)
    assert client.get_item(**at(id="a"))["Item"]["n"] == {"N": "1"}


def test_a_transactional_read_answers_in_order(client: Client) -> None:
    """An item that is not there is an empty answer, and a projection shows parts."""
    client.put_item(**put(id="a", n=1, m={"x": 1, "y": 2}))
    gets = [{"Get": at(id="gone")}, {"Get": {**at(id="a"), "ProjectionExpression": "m.y"}}]
    assert client.transact_get_items(TransactItems=gets)["Responses"] == [{}, {"Item": wire({"m": {"y": 2}})}]
