"""What stops a command of `supply`."""


class SupplyError(Exception):
    """A tool could not be installed, or failed; the message says which, with its last words."""


class Unreachable(SupplyError):
    """There is no network, or what a tool asks for is not to be had on it."""
