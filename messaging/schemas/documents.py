"""The documents in `schemas/`: which there are, how they are written, and whether they are those of the code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from messaging.events import dataschema
from messaging.schemas.asyncapi import asyncapi_document
from messaging.schemas.catalogue import Catalogue
from messaging.schemas.json_schema import ENVELOPE_ID, envelope_document, event_document

FOLDER = Path(__file__).resolve().parents[2] / "schemas"
ASYNCAPI_FILE = "asyncapi.json"
_ENVELOPE_FILE = "Envelope.json"


def schemas(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """The JSON Schema documents of the code by `$id`: the envelope's, and one for each version of each event."""
    events = {dataschema(event): event_document(event) for event in catalogue.events}
    return {ENVELOPE_ID: envelope_document(catalogue.envelope), **events}


def files(catalogue: Catalogue) -> dict[str, str]:
    """The text of every document of the code by the name of its file."""
    texts = {file_name(identity): _text(document) for identity, document in schemas(catalogue).items()}
    return {**texts, ASYNCAPI_FILE: _text(asyncapi_document(catalogue))}


def file_name(identity: str) -> str:
    """The file of a schema's `$id`."""
    return _ENVELOPE_FILE if identity == ENVELOPE_ID else f"{'.'.join(identity.split(':')[2:])}.json"


def write(catalogue: Catalogue, folder: Path) -> list[str]:
    """Write the documents of the code; returns the names of the files that changed.

    Those of older versions, which are no longer in the code, stay: they say what may still come out of a queue.
    """
    changed = stale(catalogue, folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in changed:
        (folder / name).write_text(files(catalogue)[name], encoding="utf-8")
    return changed


def stale(catalogue: Catalogue, folder: Path) -> list[str]:
    """The names of the files that are not what the code would write."""
    return [name for name, text in files(catalogue).items() if _read(folder / name) != text]


def released(folder: Path) -> dict[str, dict[str, Any]]:
    """The committed JSON Schema documents by `$id`; none where there is no folder."""
    paths = sorted(path for path in folder.glob("*.json") if path.name != ASYNCAPI_FILE)
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return {document["$id"]: document for document in documents}


def released_takers(folder: Path) -> dict[str, set[str]]:
    """Who took each type of event in the committed AsyncAPI document: consumers by type."""
    text = _read(folder / ASYNCAPI_FILE)
    channels: Mapping[str, Any] = {} if text is None else json.loads(text)["channels"]
    takers: dict[str, set[str]] = {}
    for consumer, channel in channels.items():
        if "sqs" in channel["bindings"]:
            for message in channel["messages"]:
                takers.setdefault(message.rpartition(".")[0], set()).add(consumer)
    return takers


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
