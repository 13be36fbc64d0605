"""Late log lines: the engine hands a line that it missed out with the next invocation of the same worker only."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.demo.places import Places

_EMPTY_BATCH = b'{"Records": []}'


def flush_logs(functions: Any, places: Places, consumers: Sequence[str]) -> None:
    """Invoke each consumer with empty batches, as many side by side as it has workers: one alone reaches the first."""
    for consumer in consumers:
        mapping = functions.get_event_source_mapping(UUID=places.event_source_mapping(consumer))
        workers: int = mapping["ScalingConfig"]["MaximumConcurrency"]
        with ThreadPoolExecutor(workers, thread_name_prefix="flush") as pool:
            invocations = [
                pool.submit(functions.invoke, FunctionName=places.function(consumer), Payload=_EMPTY_BATCH)
                for _ in range(workers)
            ]
        for invocation in invocations:
            invocation.result()
