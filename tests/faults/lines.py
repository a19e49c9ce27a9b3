"""The devices' ends of the transports: send a frame, get answers, survive a server that is gone."""

from __future__ import annotations

import contextlib
import socket
from abc import ABC, abstractmethod

__all__ = ["LINES", "Line", "TcpLine", "UdpLine"]

LOOPBACK = "127.0.0.1"
_BUFFER = 4 * 1024 * 1024
_DATAGRAM = 2048


class Line(ABC):
    """One socket to the server."""

    def __init__(self, port: int, *, source: str = LOOPBACK) -> None:
        self.port = port
        self.source = source
        self.socket: socket.socket | None = None

    def fileno(self) -> int:
        """For select; −1 while not connected."""
        return -1 if self.socket is None else self.socket.fileno()

    @abstractmethod
    def send(self, frame: bytes) -> None:
        """Send; nothing happens when the server can't be reached."""

    @abstractmethod
    def receive(self) -> list[bytes]:
        """All answers that have come."""

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None


class UdpLine(Line):
    """A bound datagram socket."""

    def __init__(self, port: int, *, source: str = LOOPBACK) -> None:
        super().__init__(port, source=source)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self.socket.bind((source, 0))
        self.socket.setblocking(False)

    def send(self, frame: bytes) -> None:
        assert self.socket is not None
        with contextlib.suppress(OSError):
            self.socket.sendto(frame, (LOOPBACK, self.port))

    def receive(self) -> list[bytes]:
        assert self.socket is not None
        found: list[bytes] = []
        with contextlib.suppress(OSError):
            while True:
                found.append(self.socket.recv(_DATAGRAM))
        return found


class TcpLine(Line):
    """A connection that is made again at the next frame after it broke."""

    def __init__(self, port: int, *, source: str = LOOPBACK) -> None:
        super().__init__(port, source=source)
        self._buffer = b""

    def send(self, frame: bytes) -> None:
        try:
            if self.socket is None:
                self.socket = socket.create_connection(
                    (LOOPBACK, self.port), timeout=2, source_address=(self.source, 0)
                )
                self._buffer = b""
            self.socket.sendall(len(frame).to_bytes(2, "big") + frame)
        except OSError:
            # Half of the frame may have gone: the stream is of no more use.
            self.close()

    def receive(self) -> list[bytes]:
        if self.socket is None:
            return []
        try:
            data = self.socket.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self.close()
            return []
        self._buffer += data
        return self._cut()

    def _cut(self) -> list[bytes]:
        found = []
        while len(self._buffer) >= 2:
            end = 2 + int.from_bytes(self._buffer[:2], "big")
            if len(self._buffer) < end:
                break
            found.append(self._buffer[2:end])
            self._buffer = self._buffer[end:]
        return found


LINES: dict[str, type[Line]] = {"udp": UdpLine, "tcp": TcpLine}
