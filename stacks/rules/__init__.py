"""Unsafe configurations fail the synth: every synthesized resource is judged, whoever added it.

`enforce` has an app judged by every rule of `verdict.RULES`. `allow` is an exception for one resource, with its reason.
"""

from stacks.rules.enforcement import allow, enforce

__all__ = ["allow", "enforce"]
