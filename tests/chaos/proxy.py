"""A bad network between devices and the server, for UDP and TCP, on ports of its own.

Kernel means (netem) need rights that a test does not have, so bytes pass through here. What happens
to a datagram or a stretch of a stream is drawn from a seeded generator and counted.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["ChaosProxy", "Weather"]

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Weather:
    """Shares of datagrams lost, sent twice, held back (up to `delay` seconds); of TCP stretches
    after which the connection is reset."""

    loss: float = 0.3
    twice: float = 0.2
    late: float = 0.5
    delay: float = 0.2
    reset: float = 0.02
    seed: int = 1


class ChaosProxy:
    """Listens on `udp` and `tcp`, passes on to the server's ports; both ways go through it."""

    def __init__(self, *, udp_to: int, tcp_to: int, weather: Weather) -> None:
        self.weather = weather
        self.counts: Counter[str] = Counter()
        self.udp = self.tcp = 0
        self._to = {"udp": udp_to, "tcp": tcp_to}
        self._random = random.Random(weather.seed)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="chaos", daemon=True)

    def __enter__(self) -> ChaosProxy:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def datagram(self, data: bytes, send: Any) -> None:
        """Lose it, or send it once or twice, now or later."""
        weather, draw = self.weather, self._random.random
        self.counts["datagrams"] += 1
        if draw() < weather.loss:
            self.counts["lost"] += 1
            return
        copies = 2 if draw() < weather.twice else 1
        self.counts["sent twice"] += copies - 1
        for _ in range(copies):
            if draw() < weather.late:
                self.counts["held back"] += 1
                self._loop.call_later(draw() * weather.delay, send, data)
            else:
                send(data)

    async def stretch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass a stream on in pieces of any size until one end closes or it is reset."""
        while data := await reader.read(self._random.randrange(1, 400)):
            if self._random.random() < self.weather.reset:
                self.counts["resets"] += 1
                return
            writer.write(data)
            await writer.drain()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        transport, devices = await self._loop.create_datagram_endpoint(
            lambda: _Devices(self, self._to["udp"]), local_addr=(LOOPBACK, 0)
        )
        server = await asyncio.start_server(self._connected, LOOPBACK, 0)
        self.udp = transport.get_extra_info("sockname")[1]
        self.tcp = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        transport.close()
        devices.close()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counts["connections"] += 1
        try:
            there, back = await asyncio.open_connection(LOOPBACK, self._to["tcp"])
        except OSError:
            writer.transport.abort()
            return
        both = [
            asyncio.ensure_future(self.stretch(reader, back)),
            asyncio.ensure_future(self.stretch(there, writer)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            _reset(writer)
            _reset(back)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: what is under way is lost at both ends."""
    found = writer.get_extra_info("socket")
    if found is not None and found.fileno() >= 0:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class _Devices(asyncio.DatagramProtocol):
    """The side of the devices; each gets a socket of its own towards the server."""

    def __init__(self, proxy: ChaosProxy, port: int) -> None:
        self.proxy = proxy
        self.port = port
        self.transport: Any = None
        self.servers: dict[Any, asyncio.Task[Any]] = {}

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.proxy.datagram(data, lambda piece: self._to_server(piece, addr))

    def close(self) -> None:
        """Close the sockets towards the server."""
        for task in self.servers.values():
            if task.done() and not task.cancelled():
                task.result().close()

    def _to_server(self, data: bytes, device: Any) -> None:
        task = self.servers.get(device)
        if task is None:
            task = self.servers[device] = asyncio.ensure_future(self._open(device))
        task.add_done_callback(lambda done: done.cancelled() or done.result().sendto(data))

    async def _open(self, device: Any) -> Any:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Server(self, device), remote_addr=(LOOPBACK, self.port)
        )
        return transport


class _Server(asyncio.DatagramProtocol):
    """The side of the server for one device."""

    def __init__(self, devices: _Devices, device: Any) -> None:
        self.devices = devices
        self.device = device

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.devices.proxy.datagram(data, self._to_device)

    def _to_device(self, data: bytes) -> None:
        if not self.devices.transport.is_closing():
            self.devices.transport.sendto(data, self.device)
