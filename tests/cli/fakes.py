"""Stand-ins for boto3's clients that answer from what a test gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


class Paginated:
    """A client with paginators: each operation gives these pages; what was asked for is in `asked`."""

    def __init__(self, **pages: Callable[..., Iterable[dict[str, Any]]]) -> None:
        self._pages = pages
        self.asked: list[dict[str, Any]] = []

    def get_paginator(self, operation: str) -> Any:
        client, pages = self, self._pages[operation]

        class Paginator:
            def paginate(self, **request: Any) -> Iterable[dict[str, Any]]:
                client.asked.append(request)
                return pages(**request)

        return Paginator()
