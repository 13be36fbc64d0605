"""The gate between two releases: what a changed catalogue would no longer read, or would have others no longer read.

The modes are the usual ones; source: https://docs.confluent.io/platform/current/schema-registry/fundamentals/schema-evolution.html

backward  new code reads what is already written: messages wait in queues, dead-letter queues and archives for weeks
forward   old code reads what new code writes, as it must while a deployment is under way
full      both

Twist: `decode` refuses unknown fields, so that even an added optional field breaks forward. A new version breaks
neither: an upcast reads the old one, and old code retries the new one (`newer_version`) until it is replaced too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, Literal, get_args

from messaging.schemas.catalogue import Catalogue
from messaging.schemas.comparison import Difference, differences
from messaging.schemas.documents import file_name, schemas
from messaging.schemas.json_schema import ENVELOPE_ID
from messaging.subscription import DAY_SECONDS, REPLAY_HORIZON_SECONDS

Mode = Literal["backward", "forward", "full"]
MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One change that must not be released: where, what, for whom, and what to do."""

    schema: str
    path: str
    change: str
    breaks: tuple[Mode, ...]
    consumers: tuple[str, ...]
    mend: str

    def __str__(self) -> str:
        who = ", ".join(self.consumers) or "no consumer of this topology"
        return f"{self.schema} {self.path}: {self.change}; breaks {' and '.join(self.breaks)} for {who}. {self.mend}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the gate has to say: `refusals` stop a release, `notes` say how to deploy one that may pass."""

    refusals: tuple[Refusal, ...]
    notes: tuple[str, ...]


def judge(
    catalogue: Catalogue,
    released: Mapping[str, Mapping[str, Any]],
    mode: Mode = "backward",
    released_takers: Mapping[str, Set[str]] | None = None,
) -> Report:
    """Hold the catalogue against the JSON Schema documents of the last release, by `$id`.

    `released_takers` are the consumers of each type at that release, where they are known: an event that is gone has
    no row any more.
    """
    gate = _Gate(catalogue, released, released_takers or {})
    refused = [each for each in gate.refusals() if mode == "full" or mode in each.breaks]
    return Report(refusals=tuple(refused), notes=tuple(gate.notes()))


class _Gate:
    def __init__(
        self,
        catalogue: Catalogue,
        released: Mapping[str, Mapping[str, Any]],
        released_takers: Mapping[str, Set[str]],
    ) -> None:
        self._catalogue = catalogue
        self._released = released
        self._released_takers = released_takers
        self._current = schemas(catalogue)

    def refusals(self) -> Iterator[Refusal]:
        for identity, document in self._released.items():
            if identity in self._current:
                yield from self._changed(identity, document)
            else:
                yield from self._gone(identity)

    def notes(self) -> Iterator[str]:
        for event_type, version in self._catalogue.latest.items():
            known = [int(v) for t, v in map(_named, self._released) if t == event_type]
            rows = self._catalogue.takers(event_type)
            if not known or version <= max(known) or not rows:
                continue
            patience_seconds = min(row.newer_version_patience_seconds for row in rows)
            consumers = ", ".join(row.consumer for row in rows)
            yield (
                f"{event_type} {version} is new: code of before retries it for {patience_seconds} s and then "
                f"dead-letters it as newer_version, so within that time deploy {consumers}"
            )

    def _changed(self, identity: str, document: Mapping[str, Any]) -> Iterator[Refusal]:
        for difference in differences(document, self._current[identity]):
            yield Refusal(
                schema=identity,
                path=difference.path,
                change=difference.change,
                breaks=_broken(difference),
                consumers=self._consumers(identity),
                mend=self._mend(identity, difference),
            )

    def _gone(self, identity: str) -> Iterator[Refusal]:
        event_type, version = _named(identity)
        latest = self._catalogue.latest.get(event_type)
        if latest is None:
            change, mend = "the event is gone, or has another name", "Bring it back"
        elif int(version) > latest:
            change, mend = f"the catalogue is back at version {latest}", f"Bring version {version} back"
        else:
            steps = range(int(version), latest)
            missing = [step for step in steps if (event_type, step) not in self._catalogue.upcasts]
            if not missing:
                return
            change = f"no upcast leads from version {missing[0]} to {missing[0] + 1}"
            mend = f"Add one to messaging.events.UPCASTS, under {(event_type, missing[0])!r}"
        yield Refusal(
            schema=identity,
            path="$",
            change=change,
            breaks=("backward",),
            consumers=self._consumers(identity),
            mend=f"{mend}; or, {self._horizon_days()} days after the last such message, delete {file_name(identity)}.",
        )

    def _mend(self, identity: str, difference: Difference) -> str:
        consumers_first = (
            "" if difference.narrows else ", or deploy these consumers before any publisher (mode backward)"
        )
        publishers_first = "" if difference.widens else ", or wait until no older message is left (mode forward)"
        if identity == ENVELOPE_ID:
            return f"The envelope has no versions: take it back{consumers_first}{publishers_first}."
        _, version = _named(identity)
        return (
            f"Make it version {int(version) + 1} with an upcast from {version} in messaging.events.UPCASTS"
            f"{consumers_first}{publishers_first}."
        )

    def _consumers(self, identity: str) -> tuple[str, ...]:
        if identity == ENVELOPE_ID:
            return tuple(row.consumer for row in self._catalogue.rows)
        event_type, _ = _named(identity)
        now = [row.consumer for row in self._catalogue.takers(event_type)]
        return tuple(dict.fromkeys((*now, *sorted(self._released_takers.get(event_type, ())))))

    def _horizon_days(self) -> int:
        seconds = [row.oldest_event_seconds for row in self._catalogue.rows] or [REPLAY_HORIZON_SECONDS]
        return -(-max(seconds) // DAY_SECONDS)


def _broken(difference: Difference) -> tuple[Mode, ...]:
    sides: tuple[tuple[Mode, bool], ...] = (("backward", difference.narrows), ("forward", difference.widens))
    return tuple(mode for mode, broken in sides if broken)


def _named(identity: str) -> tuple[str, str]:
    """The type and the version of a schema's `$id`; the envelope has version 0, as it has none."""
    _, _, event_type, *version = identity.split(":")
    return event_type, version[0] if version else "0"
