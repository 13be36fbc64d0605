"""DynamoDB in memory: what AWS documents, with genuine transaction conflicts, and boto3's client in front of it.

    store = Store()
    store.create_table("stock", "sku")
    client = Client(store)
    client.put_item(TableName="stock", Item={"sku": {"S": "NW-1"}, "units": {"N": "39"}})

`server` puts a store behind HTTP, for the real boto3.
"""

from testing.dynamodb.client import Client
from testing.dynamodb.errors import Refused
from testing.dynamodb.service import ARRIVES, LEAVES, PREPARED
from testing.dynamodb.store import Store
from testing.dynamodb.stream import Change

__all__ = ["ARRIVES", "LEAVES", "PREPARED", "Change", "Client", "Refused", "Store"]
