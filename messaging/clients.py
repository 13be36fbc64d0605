"""Clients of AWS services that are made when they are first called."""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.config import Config


class Client:
    """A client of an AWS service, made at its first call and then kept: one that is not needed costs no cold start.

    It is botocore's own, which is what `boto3.client` gives too.
    """

    def __init__(self, session: botocore.session.Session, service: str, config: Config) -> None:
        self._session = session
        self._service = service
        self._config = config
        self._client: Any = None

    def __getattr__(self, operation: str) -> Any:
        if self._client is None:
            self._client = self._session.create_client(self._service, config=self._config)
        return getattr(self._client, operation)
