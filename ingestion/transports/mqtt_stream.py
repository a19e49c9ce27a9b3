"""The stream between paho and the broker's socket: PUBLISH packets are taken out of it in bulk.

paho reads a packet in three system calls and writes each PUBACK in one; at tens of thousands of
messages a second that is most of the work. So it is given this in place of its socket: what is read
is cut here, paho sees everything but PUBLISH; what is written is gathered and sent at once.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from .mqtt_packets import Kind, PacketError, cut, packet

if TYPE_CHECKING:
    import socket

__all__ = ["Stream"]

_READ = 256 * 1024
# What MQTT allows: ending the session for a longer one would only have it come again.
_LONGEST = 0x0FFF_FFFF
_WAIT = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Stream:
    """Has what paho asks of a socket, plus `fill` and `flush`. One thread uses it."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.ended = False
        self._rest = b""
        self._for_paho = bytearray()
        self._out = bytearray()

    def fill(self) -> list[tuple[int, bytes]]:
        """Read what has come, up to some 250 KB: the PUBLISH packets in it."""
        data = self._receive()
        if not data:
            return []
        data = self._rest + data
        try:
            packets, used = cut(data, most=_LONGEST)
        except PacketError:
            self.ended = True
            return []
        self._rest = data[used:]
        published = []
        for first, body in packets:
            if first & 0xF0 == Kind.PUBLISH:
                published.append((first, body))
            else:
                self._for_paho += packet(first, body)
        return published

    def _receive(self) -> bytes:
        try:
            data = self.socket.recv(_READ)
            # TLS keeps decrypted bytes that no poll of the socket tells of.
            while isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
                data += self.socket.recv(_READ)
        except _WAIT:
            return b""
        except OSError:
            data = b""
        self.ended |= not data
        return data

    def flush(self) -> None:
        """Send as much as the kernel takes."""
        try:
            while self._out:
                del self._out[: self.socket.send(self._out)]
        except _WAIT:
            return
        except OSError:
            self.ended = True
            self._out.clear()

    def write(self, data: bytes) -> None:
        """Put whole packets behind those that paho wrote."""
        self._out += data

    @property
    def unsent(self) -> bool:
        """Whether bytes wait until the kernel takes them."""
        return bool(self._out)

    def recv(self, size: int) -> bytes:
        """For paho; b"" once the broker has closed and everything is read."""
        data = bytes(self._for_paho[:size])
        del self._for_paho[:size]
        if not data and not self.ended:
            raise BlockingIOError
        return data

    def send(self, data: bytes) -> int:
        """For paho, whose packets are taken whole, so that `write` never lands inside one."""
        self._out += data
        return len(data)

    def pending(self) -> int:
        """Bytes that paho has not read."""
        return len(self._for_paho)

    def fileno(self) -> int:
        return self.socket.fileno()

    def setblocking(self, blocking: bool) -> None:
        self.socket.setblocking(blocking)

    def close(self) -> None:
        """Send what the kernel takes, then close."""
        self.flush()
        self.socket.close()
