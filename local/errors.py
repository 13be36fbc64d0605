"""What can go wrong between this machine and the embedded engine."""

from __future__ import annotations


class LocalError(Exception):
    """Something local failed; the message says what, and what to do."""


class EngineError(LocalError):
    """The engine did not start or stop."""


class DeploymentError(LocalError):
    """The CDK app could not be synthesized or deployed."""
