"""`client.exceptions` of a boto3 client: a subclass of ClientError for each error that the API's model declares."""

from __future__ import annotations

from collections.abc import Iterable

from botocore.exceptions import ClientError


class Exceptions:
    """Made once for all clients of a service, which is `service` in the words of an AttributeError."""

    def __init__(self, service: str, modelled: Iterable[str]) -> None:
        self._service = service
        self._classes: dict[str, type[ClientError]] = {name: type(name, (ClientError,), {}) for name in modelled}

    def __getattr__(self, name: str) -> type[Exception]:
        if name == "ClientError":
            return ClientError  # type: ignore[no-any-return]  # botocore ships no types
        try:
            return self._classes[name]
        except KeyError:
            raise AttributeError(f"boto3's {self._service} client has no exception {name}") from None

    def __contains__(self, name: str) -> bool:
        return name in self._classes

    def class_of(self, name: str) -> type[ClientError]:
        """What boto3 raises: a plain ClientError where the model declares no such error."""
        found: type[ClientError] = self._classes.get(name, ClientError)
        return found
