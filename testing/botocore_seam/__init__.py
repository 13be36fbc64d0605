"""Real botocore clients over services in this process: everything of botocore runs but the network.

    sns, store = Sns(scheduler), Store(scheduler.time)
    services = {"sns": sns.execute, "dynamodb": store.execute}
    made = session(lambda service, operation, request: services[service](operation, request), sleep=scheduler.sleep)
    made.create_client("dynamodb").put_item(TableName="stock", Item={"sku": {"S": "NW-1"}})
    boto3.Session(botocore_session=made).client("sns")

Validation, serialization, signing, retries, parsing and modelled exceptions are botocore's own. No socket is opened, no
environment and no file but botocore's own data is read, no wall clock decides anything.
"""

from testing.botocore_seam.session import session
from testing.botocore_seam.transport import Execute

__all__ = ["Execute", "session"]
