"""Takes the canary's heartbeats and does nothing: the marker in the inbox proves that one came through, once."""

from __future__ import annotations

from lambdas.runtime import ConsumerFunction
from messaging.effects import Effect, Transactional, View
from messaging.events import HEARTBEAT, Heartbeat
from messaging.message import Message
from messaging.versions import Versions


def note(_: Message[Heartbeat], __: View) -> Effect:
    """No write but the marker."""
    return Effect(())


handler = ConsumerFunction(Transactional(functions={HEARTBEAT: note}), versions=Versions((HEARTBEAT,), {}))
