"""Batches of which a service leaves a part undone, in an answer that is no error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

Parts = Callable[[Any, Random], Any]


def has_parts(operation: str) -> bool:
    """Whether an operation can be carried out in part."""
    return operation in _BATCHES


def do_in_part(operation: str, request: Any, random: Random) -> Any:
    """Carry out any part of it, perhaps nothing, but not all, and answer as the service does."""
    return _BATCHES[operation](request, random)


def _get(request: Any, random: Random) -> Any:
    wanted: Mapping[str, Any] = request.parameters["RequestItems"]
    done, left = _split_by_table({name: table["Keys"] for name, table in wanted.items()}, random)
    reply = request.with_(RequestItems=_with_keys(wanted, done)) if done else {"Responses": {}}
    return {**reply, "UnprocessedKeys": _with_keys(wanted, left)}


def _with_keys(tables: Mapping[str, Any], keys: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    return {name: {**tables[name], "Keys": some} for name, some in keys.items()}


def _write(request: Any, random: Random) -> Any:
    done, left = _split_by_table(request.parameters["RequestItems"], random)
    reply = request.with_(RequestItems=done) if done else {}
    return {**reply, "UnprocessedItems": left}


def _statements(request: Any, random: Random) -> Any:
    statements = request.parameters["Statements"]
    done = _some(len(statements), random)
    replies = request.with_(Statements=[statements[number] for number in done])["Responses"] if done else []
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html
    throttled = {"Error": {"Code": "ThrottlingError", "Message": "as injected"}}
    by_number = dict(zip(done, replies, strict=True))
    return {"Responses": [by_number.get(number, throttled) for number in range(len(statements))]}


def _entries(parameter: str) -> Parts:
    def some(request: Any, random: Random) -> Any:
        entries = request.parameters[parameter]
        done = _some(len(entries), random)
        reply = request.with_(**{parameter: [entries[number] for number in done]}) if done else {}
        failed = [
            {"Id": entry["Id"], "Code": "InternalError", "Message": "as injected", "SenderFault": False}
            for number, entry in enumerate(entries)
            if number not in done
        ]
        return {**reply, "Successful": reply.get("Successful", []), "Failed": [*reply.get("Failed", []), *failed]}

    return some


def _split_by_table(wanted: Mapping[str, Sequence[Any]], random: Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is done and what is left, by table and without tables of which there is nothing."""
    every = [(name, each) for name, some in wanted.items() for each in some]
    numbers = _some(len(every), random)
    done: dict[str, Any] = {}
    left: dict[str, Any] = {}
    for number, (name, each) in enumerate(every):
        (done if number in numbers else left).setdefault(name, []).append(each)
    return done, left


def _some(count: int, random: Random) -> list[int]:
    """Some numbers below it in order, or none, but never all."""
    return sorted(random.sample(range(count), random.randrange(count)))


_BATCHES: Mapping[str, Parts] = {
    "batch_get_item": _get,
    "batch_write_item": _write,
    "batch_execute_statement": _statements,
    "publish_batch": _entries("PublishBatchRequestEntries"),
    "change_message_visibility_batch": _entries("Entries"),
    "send_message_batch": _entries("Entries"),
    "delete_message_batch": _entries("Entries"),
}
