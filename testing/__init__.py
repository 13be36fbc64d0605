"""Stand-ins for AWS, for the tests of users and for our own: a world in memory, faults by name, and events.

    from testing import World, order_placed

docs/testing.md begins at the beginning.
"""

from testing.events import (
    line,
    message,
    numbered,
    order_cancelled,
    order_placed,
    stock_refused,
    stock_reserved,
    unlike,
)
from testing.faults import Fault
from testing.functions.process import Process
from testing.letters import DeadLetter
from testing.rest import NeverAtRest
from testing.world import World

__all__ = [
    "DeadLetter",
    "Fault",
    "NeverAtRest",
    "Process",
    "World",
    "line",
    "message",
    "numbered",
    "order_cancelled",
    "order_placed",
    "stock_refused",
    "stock_reserved",
    "unlike",
]
