"""Open connections of a server: they end with it, although clients would keep them alive."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from typing import Any


class Connections(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A mix-in that knows its open connections."""

    def __init__(self, *arguments: Any) -> None:
        self._open: dict[threading.Thread, socket.socket] = {}
        super().__init__(*arguments)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, in a thread of its own."""
        self._open[threading.current_thread()] = request
        try:
            super().process_request_thread(request, client_address)
        finally:
            del self._open[threading.current_thread()]

    def server_close(self) -> None:
        """Take no more connections, and end those that there are."""
        super().server_close()
        for thread, connection in list(self._open.items()):
            with contextlib.suppress(OSError):  # closed meanwhile
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()
