"""Old events to one consumer again: where they come from, which are worth sending, and how they are sent.

docs/decisions/0014-replays.md says why it is done so.
"""
