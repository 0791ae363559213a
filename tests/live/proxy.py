"""A proxy on loopback that passes bytes on, and for a while cuts connections off or lets them stall."""

from __future__ import annotations

import socket
import threading
import time
from random import Random
from types import TracebackType

from .books import ADDRESS


class Proxy:
    """Between us and the server: ``trouble`` makes some answers never come, ``calm`` ends that."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._rate = 0.0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def trouble(self, seconds: float) -> None:
        """After so many seconds, one connection in six is cut off before, or stalls after, the server had it."""
        threading.Timer(seconds, self._set, (1 / 6,)).start()

    def calm(self) -> None:
        """Everything passes again."""
        self._rate = 0.0

    def _set(self, rate: float) -> None:
        self._rate = rate

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        drawn = self._random.random()
        with client, socket.create_connection((ADDRESS.hostname or "", ADDRESS.port or 8069)) as server:
            if drawn < self._rate / 3:
                return  # cut off before the server had it
            up = threading.Thread(target=_pass, args=(client, server), daemon=True)
            up.start()
            if drawn < self._rate * 2 / 3:
                time.sleep(0.2)
                return  # cut off while the server is at work
            if drawn < self._rate:
                time.sleep(6)
                return  # the answer never comes
            _pass(server, client)


def _pass(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
