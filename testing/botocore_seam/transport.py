"""Answers requests in the place of a network: reads the bytes, calls the service, writes the bytes of its reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

from botocore.awsrequest import AWSResponse

from testing.botocore_seam.codecs import Answer, Codec, codec_of
from testing.botocore_seam.refusals import Refusal, refusal_of

# execute(service, operation, request) -> reply, such as ("sns", "Publish", {"TopicArn": ...}) -> {"MessageId": ...}
Execute = Callable[[str, str, dict[str, Any]], Mapping[str, Any]]


class Transport:
    """The way from one client to its service and back."""

    def __init__(self, service: str, service_model: Any, execute: Execute) -> None:
        self._service = service
        self._model = service_model
        self._execute = execute
        self._codec: Codec = codec_of(service_model)
        self._numbers = count(1)

    def answer(self, request: Any, event_name: str, **_: Any) -> AWSResponse:
        """The reply to a signed request. Raises what `execute` raises, but for refusals."""
        operation = self._model.operation_model(event_name.rpartition(".")[2])
        request_id = f"{next(self._numbers):08x}-0000-4000-8000-000000000000"
        parameters = self._codec.decode(operation, request)
        try:
            reply = dict(self._execute(self._service, operation.name, parameters))
        except Exception as error:
            refusal = refusal_of(error)
            if refusal is None:
                raise
            return _response(request.url, self._refused(operation, refusal, request_id))
        reply.pop("ResponseMetadata", None)
        return _response(request.url, self._codec.encode(operation, reply, request_id))

    def _refused(self, operation: Any, refusal: Refusal, request_id: str) -> Answer:
        return self._codec.encode_error(operation, refusal, request_id)


def _response(url: str, answer: Answer) -> AWSResponse:
    return AWSResponse(url, answer.status, answer.headers, _Body(answer.body))


class _Body:
    """A body as botocore reads it off a connection."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        """All of it."""
        yield self._content


class NoNetwork:
    """In the place of a client's connections: what gets here was not answered before."""

    def send(self, request: Any) -> None:
        """Raises AssertionError, always."""
        raise AssertionError(f"a request would leave this process: {request.method} {request.url}")

    def close(self) -> None:
        """Nothing is open."""
