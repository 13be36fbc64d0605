"""Reduces botocore's data to what functions use: reading the rest would cost a cold start 0.1 s and 13 MB."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

# What the code of messaging/ and lambdas/ calls; tests/stacks/test_bundle.py holds it against that code. A client in a
# function has these operations and no other.
OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "dynamodb": (
        *("BatchExecuteStatement", "BatchGetItem", "BatchWriteItem", "Scan", "TransactWriteItems", "UpdateItem"),
    ),
    "sesv2": ("SendEmail",),
    "sns": ("Publish", "PublishBatch"),
    "sqs": ("ChangeMessageVisibilityBatch", "SendMessage"),
}
# Beside the folders of its services, a client is made from these.
_SHARED_FILES = ("_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json")


def reduce_data(data: Path) -> None:
    """Leave of `botocore/data` the services in OPERATIONS, of those the operations, and nothing for human readers."""
    for entry in [*data.iterdir()]:
        if entry.is_dir() and entry.name not in OPERATIONS:
            shutil.rmtree(entry)
        elif entry.is_file() and entry.name not in _SHARED_FILES:
            entry.unlink()
    for path in [*data.rglob("examples-1.json*")]:
        path.unlink()
    _reduce_endpoints(data / "endpoints.json", {_reduce_service(data / service) for service in OPERATIONS})


def _reduce_service(folder: Path) -> str:
    """Leave the service's operations. Returns the name that endpoints.json has for it."""
    (path,) = folder.glob("*/service-2.json.gz")
    model = reduced_model(json.loads(gzip.decompress(path.read_bytes())), OPERATIONS[folder.name])
    # Not compressed again: compressors differ from one machine to the next, and the layer is a zip file anyway.
    path.with_suffix("").write_text(_compact(model))
    path.unlink()
    prefix: str = model["metadata"]["endpointPrefix"]
    return prefix


def _reduce_endpoints(path: Path, prefixes: Iterable[str]) -> None:
    """Leave these services: of every service's endpoints a client reads the whole file, and uses its own."""
    document = json.loads(path.read_text())
    for partition in document["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in sorted(prefixes) if name in services}
    path.unlink()  # and not written over: where an installer links, that would be the file in its cache
    path.write_text(_compact(document))


def reduced_model(model: Mapping[str, Any], operations: Iterable[str]) -> dict[str, Any]:
    """A service's model with these operations, and of its shapes those that they reach. Raises KeyError for others."""
    kept = {name: model["operations"][name] for name in operations}
    shapes: dict[str, Any] = {}
    wanted = [*_references(kept)]
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            wanted += _references(shapes[name])
    reduced: dict[str, Any] = _undocumented({**model, "operations": kept, "shapes": dict(sorted(shapes.items()))})
    return reduced


def _references(node: Any) -> Iterator[str]:
    """The shapes that a part of a model names, itself."""
    if isinstance(node, dict):
        if isinstance(node.get("shape"), str):
            yield node["shape"]
        node = [*node.values()]
    if isinstance(node, list):
        for part in node:
            yield from _references(part)


def _undocumented(node: Any) -> Any:
    """Without its documentation, four fifths of a model. (A member of that name is a dict, and stays.)"""
    if isinstance(node, dict):
        return {
            name: _undocumented(part)
            for name, part in node.items()
            if not (name == "documentation" and isinstance(part, str))
        }
    return [_undocumented(part) for part in node] if isinstance(node, list) else node


def _compact(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"))
