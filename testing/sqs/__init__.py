"""SQS in memory, under a virtual clock: what AWS documents, and what was recorded on it.

    scheduler = Scheduler(seed=1)
    sqs = Sqs(scheduler)
    queue = sqs.create_queue("orders.fifo", {"ContentBasedDeduplication": "true"})
    queue.send("an order", group="customer 7")
    (received,) = queue.receive()
    queue.delete(received.receipt_handle)

`Client(sqs)` is boto3's client on the same queues.
"""

from testing.sqs.client import Client
from testing.sqs.errors import Refused
from testing.sqs.message import Message, Received
from testing.sqs.queue import Queue
from testing.sqs.service import Sqs

__all__ = ["Client", "Message", "Queue", "Received", "Refused", "Sqs"]
