"""A service of your own: its state and the event that tells of it, in one transaction."""

import os

import boto3

from messaging.events import Address, Line, OrderPlaced
from messaging.outbox import Outbox

SHOP_TABLE = os.environ.get("SHOP_TABLE", "example-shop")
dynamodb = boto3.client("dynamodb")
outbox = Outbox(table=os.environ["OUTBOX_TABLE"], source="urn:example:shop")


def place(order: OrderPlaced) -> None:
    """Raises TransactionCanceledException where the order was placed before; its event was told then."""
    state = {"order_id": {"S": order.order_id}, "status": {"S": "placed"}}
    once = {"TableName": SHOP_TABLE, "Item": state, "ConditionExpression": "attribute_not_exists(order_id)"}
    dynamodb.transact_write_items(TransactItems=[{"Put": once}, *outbox.items([order])])


if __name__ == "__main__":
    try:
        dynamodb.create_table(
            TableName=SHOP_TABLE,
            KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        dynamodb.get_waiter("table_exists").wait(TableName=SHOP_TABLE)
    except dynamodb.exceptions.ResourceInUseException:
        pass  # it is there from an earlier run
    order = OrderPlaced(
        order_id=os.environ.get("ORDER_ID", "2001"),
        customer_id="ALFKI",
        placed_at="2026-11-20T10:00:00Z",
        currency="USD",
        priority="standard",
        lines=(Line("NW-1", quantity=2, unit_price="10.00", discount="0"),),
        ship_to=Address("Søren Ås", "Århus", region=None, postal_code="8000", country="Denmark"),
    )
    try:
        place(order)
    except dynamodb.exceptions.TransactionCanceledException:
        print(f"order {order.order_id} was placed before: nothing is written, nothing is told twice")
    else:
        print(f"order {order.order_id} is placed, and its event is on its way")
