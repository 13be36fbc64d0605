"""boto3 clients for the engine, untouched by what the user has configured for AWS."""

from __future__ import annotations

import functools
import os
import threading
from typing import Any

from local.cdk import CREDENTIALS, REGION

_CREATION = threading.Lock()  # a session makes one client at a time; clients themselves are thread-safe


def client(endpoint: str, service: str) -> Any:
    """A client that reaches this endpoint and nothing else: no profile, no proxy, credentials that open nothing."""
    from botocore.config import Config

    config = Config(retries={"mode": "standard"}, proxies={}, max_pool_connections=32)
    with _CREATION:
        return _session().client(
            service,
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=config,
        )


@functools.cache
def _session() -> Any:
    import boto3
    import botocore.session

    # (name in the config file, environment variable, default, conversion): no variable can choose a profile or a file.
    nothing, no_file = (None, None, None, None), (None, None, os.devnull, None)
    variables = {"profile": nothing, "config_file": no_file, "credentials_file": no_file}
    return boto3.Session(botocore_session=botocore.session.Session(session_vars=variables))
