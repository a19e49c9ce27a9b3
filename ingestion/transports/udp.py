"""UDP: datagrams in, datagrams back to where they came from.

Several processes may listen on one port (SO_REUSEPORT); the kernel keeps the datagrams of one
source with one process, so the frames of a device stay in order. Nothing here depends on that.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from typing import TYPE_CHECKING

from .intake import Arrival, Intake

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["UdpListener"]

# 9 % were lost at 58,000 datagrams/s with the default buffer, none at 118,000 with this one.
_BUFFER = 8 * 1024 * 1024
# The longest frame of the protocol is shorter; what is longer is cut and then fails to open.
_DATAGRAM = 2048
_SO_RXQ_OVFL = 40
_POLL_MILLISECONDS = 200


class UdpListener:
    """Reads datagrams into the intake, as many as there are, and sends the answers."""

    def __init__(self, intake: Intake, *, host: str, port: int) -> None:
        self.intake = intake
        # Its number in the raw frames, set by whoever opens it.
        self.code = 0
        self.received = 0
        self.dropped_by_kernel = 0
        self._stop = threading.Event()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        _ask_buffer(self.socket)
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        self.socket.setblocking(False)
        self.socket.bind((host, port))
        self._thread = threading.Thread(target=self._run, name="udp", daemon=True)

    @property
    def port(self) -> int:
        """The port in use; differs from the one asked for when that was 0."""
        return int(self.socket.getsockname()[1])

    @property
    def alive(self) -> bool:
        """Whether the reading thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop reading; answers can still be sent until `close`."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)

    def close(self) -> None:
        self.socket.close()

    def acknowledge(self, arrivals: Sequence[Arrival], answers: Sequence[bytes | None]) -> None:
        send = self.socket.sendto
        for arrival, answer in zip(arrivals, answers, strict=True):
            if answer is not None:
                # An answer that the kernel can't take now is lost like any datagram: the device
                # sends again and is answered again.
                with contextlib.suppress(OSError):
                    send(answer, arrival.token)

    def _run(self) -> None:
        # Not `select`: it takes no descriptor beyond 1,023, and TCP may have opened thousands.
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        while not self._stop.is_set():
            if not poll.poll(_POLL_MILLISECONDS):
                continue
            arrivals = self._read()
            while arrivals and not self._stop.is_set():
                # A full intake: the kernel's buffer, then the network, holds what follows.
                if self.intake.put(self, arrivals):
                    break

    def _read(self) -> list[Arrival]:
        arrivals: list[Arrival] = []
        add, receive = arrivals.append, self.socket.recvfrom
        try:
            for _ in range(min(self.intake.size, max(1, self.intake.room()))):
                payload, address = receive(_DATAGRAM)
                add(Arrival(payload, address[0], address))
        except BlockingIOError:
            pass
        self.received += len(arrivals)
        return arrivals

    def note_drops(self) -> int:
        """Datagrams that the kernel dropped for want of buffer since the socket was opened."""
        try:
            _, ancillary, _, _ = self.socket.recvmsg(0, 64, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except OSError:
            return self.dropped_by_kernel
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, _SO_RXQ_OVFL):
                self.dropped_by_kernel = struct.unpack("I", data[:4])[0]
        return self.dropped_by_kernel


def _ask_buffer(sock: socket.socket) -> None:
    """As root past the system's limit, otherwise as much as the system allows."""
    force = getattr(socket, "SO_RCVBUFFORCE", 33)
    try:
        sock.setsockopt(socket.SOL_SOCKET, force, _BUFFER)
    except OSError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
