"""Makes the sessions: real ones, whose clients call a function instead of a network."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

import botocore.session
from botocore.config import Config

from testing.botocore_seam import isolation
from testing.botocore_seam.retries import Retries
from testing.botocore_seam.transport import Execute, NoNetwork, Transport


def session(
    execute: Execute,
    *,
    region: str = "us-east-1",
    sleep: Callable[[float], None] = lambda _: None,
    random: Random | None = None,
) -> botocore.session.Session:
    """A session whose clients of dynamodb, sqs, sns and sesv2 are answered by `execute(service, operation, request)`.

    Requests and replies are what `boto3` takes and gives, without ResponseMetadata. What `execute` raises:

    - an error with `code` and `message` (and `fields`, such as CancellationReasons), or a ClientError, becomes an error
      reply with the status that the service has for it
    - an exception of botocore.exceptions, such as ReadTimeoutError, is that failure of the network, and retried like it
    - everything else goes to the caller as it is; what is no Exception at once, others as soon as botocore lets them

    The pauses between retries are spent in `sleep`, in seconds; by default they take no time. `random` is the source of
    their jitter and of idempotency tokens; by default each session has the same one.
    """
    return _Session(execute, region, sleep, random or Random(0))


class _Session(botocore.session.Session):  # type: ignore[misc]  # botocore ships no types
    def __init__(self, execute: Execute, region: str, sleep: Callable[[float], None], random: Random) -> None:
        super().__init__(session_vars=isolation.variables(region))
        self.register_component("data_loader", isolation.loader())
        self.set_credentials("testing", "testing")
        self.set_default_client_config(Config(proxies={}))  # or it would look for some in the environment
        self._execute, self._sleep, self._random = execute, sleep, random
        events = self.get_component("event_emitter")
        events.register_first("before-parameter-build", self._fill_in_token)

    def create_client(self, service_name: str, *args: Any, **kwargs: Any) -> Any:
        """A client. Raises NotImplementedError for a service that has no seam, and for adaptive retries, which look at
        the wall clock."""
        client = super().create_client(service_name, *args, **kwargs)
        if (client.meta.config.retries or {}).get("mode") == "adaptive":
            raise NotImplementedError("retries in adaptive mode")
        events, model = client.meta.events, client.meta.service_model
        transport = Transport(service_name, model, self._execute)
        events.register_first(f"before-send.{model.service_id.hyphenize()}", transport.answer)
        endpoint = client._endpoint
        endpoint.http_session.close()
        endpoint.http_session = NoNetwork()
        endpoint._event_emitter = Retries(events, self._sleep, self._random)
        return client

    def _fill_in_token(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Idempotency tokens such as ClientRequestToken, before botocore takes chance's own."""
        for name in model.idempotent_members:
            if name not in params:
                params[name] = str(UUID(int=self._random.getrandbits(128), version=4))
