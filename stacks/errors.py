"""What stops a synth, said in one sentence instead of a traceback."""

from __future__ import annotations


class SynthError(Exception):
    """A wrong option, or a bundle that can't be built; the message says what to do."""
