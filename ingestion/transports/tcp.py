"""TCP: frames with their length in front (u16, big-endian), answers the same way. Streams of M-Bus
frames and of P1 telegrams come without lengths (`raw_streams`), and are not answered.

Rules for a connection, each counted: the length is 1 to `max_frame`; the rest of a frame that has
begun comes within `frame_seconds`; between frames at most `idle_seconds` pass; at most
`in_flight` frames wait for their answers, then nothing more is read from it. One address may hold
`per_source` connections. A connection that breaks a rule is closed; nothing else is affected.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .intake import Arrival, Intake
from .raw_streams import begins_raw, cut_raw

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Connection", "TcpLimits", "TcpListener"]

_LENGTH = 2


@dataclass(frozen=True, slots=True)
class TcpLimits:
    """Bounds of what one connection, one address and the listener may hold."""

    max_frame: int = 1_200
    frame_seconds: float = 4.0
    idle_seconds: float = 300.0
    in_flight: int = 64
    connections: int = 20_000
    per_source: int = 20_000


class Connection(asyncio.Protocol):
    """Cuts the stream of one device into frames."""

    def __init__(self, listener: TcpListener) -> None:
        self.listener = listener
        self.buffer = bytearray()
        self.waiting = 0
        self.partial = False
        # Whether the stream has no lengths, which its first byte tells.
        self.raw: bool | None = None
        self.source = ""
        self.idle_seconds = listener.limits.idle_seconds
        self.transport: asyncio.Transport | None = None
        self.deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        peer = transport.get_extra_info("peername") or ("",)
        self.source = str(peer[0])
        if not self.listener.admit(self):
            transport.abort()
            return
        self._expect(self.idle_seconds, "idle")

    def connection_lost(self, exc: Exception | None) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
        self.listener.forget(self)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        frames = self._cut()
        if frames is None:
            self.refuse("length")
            return
        if frames:
            self.waiting += len(frames)
            self.listener.received += len(frames)
            self.listener.gather([Arrival(frame, self.source, self) for frame in frames])
            if self.waiting >= self.listener.limits.in_flight:
                self._pause()
        self._expect_rest(began=bool(frames) or not self.partial)

    def _expect_rest(self, *, began: bool) -> None:
        """The rest of a frame is due from when it began; a byte now and then buys no time."""
        if self.buffer and began:
            self._expect(self.listener.limits.frame_seconds, "slow")
        elif not self.buffer:
            self._expect(self.idle_seconds, "idle")
        self.partial = bool(self.buffer)

    def _cut(self) -> list[bytes] | None:
        """Whole frames taken off the buffer; None when a length is impossible."""
        if self.raw is None and self.buffer:
            self.raw = begins_raw(self.buffer[0])
        return self._cut_raw() if self.raw else self._cut_lengths()

    def _cut_raw(self) -> list[bytes] | None:
        found = cut_raw(bytes(self.buffer))
        if found is None:
            return None
        frames, used = found
        del self.buffer[:used]
        return frames

    def _cut_lengths(self) -> list[bytes] | None:
        frames = []
        at = 0
        while len(self.buffer) - at >= _LENGTH:
            length = int.from_bytes(self.buffer[at : at + _LENGTH], "big")
            if not 0 < length <= self.listener.limits.max_frame:
                return None
            if len(self.buffer) - at < _LENGTH + length:
                break
            frames.append(bytes(self.buffer[at + _LENGTH : at + _LENGTH + length]))
            at += _LENGTH + length
        del self.buffer[:at]
        return frames

    def answer(self, payloads: list[bytes], count: int) -> None:
        """In the loop's thread: send answers and read on."""
        self.waiting -= count
        if self.transport is None or self.transport.is_closing():
            return
        if payloads:
            self.transport.write(self._form(payloads))
        if self.waiting < self.listener.limits.in_flight:
            self.transport.resume_reading()

    def _form(self, payloads: list[bytes]) -> bytes:
        return b"".join(len(item).to_bytes(_LENGTH, "big") + item for item in payloads)

    def pause_writing(self) -> None:
        """Whoever does not read the answers gets no more of them into our memory."""
        self.refuse("unread")

    def refuse(self, rule: str) -> None:
        """Close for breaking `rule`."""
        self.listener.refused[rule] += 1
        if self.transport is not None:
            self.transport.abort()

    def _pause(self) -> None:
        if self.transport is not None and self.transport.is_reading():
            self.transport.pause_reading()

    def _expect(self, seconds: float, rule: str) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
        self.deadline = self.listener.loop.call_later(seconds, self._too_late, rule)

    def _too_late(self, rule: str) -> None:
        # Whoever waits for our answer is not idle.
        if self.waiting:
            self._expect(self.idle_seconds, rule)
        else:
            self.refuse(rule)


class TcpListener:
    """One event loop in a thread of its own; frames go to the intake in bunches."""

    name = "tcp"
    connection: type[Connection] = Connection

    def __init__(
        self, intake: Intake, *, host: str, port: int, limits: TcpLimits | None = None
    ) -> None:
        self.intake = intake
        self.limits = limits or TcpLimits()
        # Its number in the raw frames, set by whoever opens it.
        self.code = 0
        self.received = 0
        self.refused: Counter[str] = Counter()
        self.loop = asyncio.new_event_loop()
        self._address = (host, port)
        self._open: set[Connection] = set()
        self._per_source: Counter[str] = Counter()
        self._gathered: list[Arrival] = []
        self._flushing = False
        self._server: asyncio.Server | None = None
        self._started = threading.Event()
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    @property
    def port(self) -> int:
        """The port in use; differs from the one asked for when that was 0."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def alive(self) -> bool:
        """Whether the event loop runs."""
        return self._thread.is_alive()

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._open)

    def start(self) -> None:
        """Listen; raises OSError when the address can't be had."""
        self._thread.start()
        self._started.wait()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Take no more frames; connections stay for answers until `close`."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._stop_reading(), self.loop).result(5)

    def close(self) -> None:
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._close_all)
            self._thread.join(timeout=5)

    def acknowledge(self, arrivals: Sequence[Arrival], answers: Sequence[bytes | None]) -> None:
        sorted_out: dict[Connection, tuple[list[bytes], int]] = {}
        for arrival, answer in zip(arrivals, answers, strict=True):
            payloads, count = sorted_out.get(arrival.token, ([], 0))
            if answer is not None:
                payloads.append(answer)
            sorted_out[arrival.token] = (payloads, count + 1)
        self.hand_over(sorted_out)

    def hand_over(self, sorted_out: dict[Connection, tuple[list[bytes], int]]) -> None:
        """Have the loop's thread send; nothing is sent any more once the listener is closed."""
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._deliver, sorted_out)

    def admit(self, connection: Connection) -> bool:
        """Whether a new connection stays within the bounds; counts it when it does."""
        source = connection.source
        if len(self._open) >= self.limits.connections:
            self.refused["connections"] += 1
            return False
        if self._per_source[source] >= self.limits.per_source:
            self.refused["per_source"] += 1
            return False
        self._open.add(connection)
        self._per_source[source] += 1
        return True

    def forget(self, connection: Connection) -> None:
        """The connection is gone."""
        if connection in self._open:
            self._open.discard(connection)
            self._per_source -= Counter({connection.source: 1})

    def gather(self, arrivals: list[Arrival]) -> None:
        """Collect the frames of one turn of the loop, then put them at once."""
        self._gathered += arrivals
        if not self._flushing:
            self._flushing = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        # A full intake stops the loop for a moment at most; then it is asked again, and meanwhile
        # connections are paused by their own bound.
        if self._gathered and not self.intake.put(self, self._gathered, timeout=0.0):
            if self.intake.closed:
                self._gathered = []
                self._flushing = False
                return
            self.loop.call_later(0.01, self._flush)
            return
        self._gathered = []
        self._flushing = False

    def _deliver(self, sorted_out: dict[Connection, tuple[list[bytes], int]]) -> None:
        for connection, (payloads, count) in sorted_out.items():
            connection.answer(payloads, count)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        host, port = self._address
        try:
            self._server = self.loop.run_until_complete(
                self.loop.create_server(
                    lambda: self.connection(self), host, port, reuse_port=True, backlog=1_024
                )
            )
        except OSError as error:
            self._error = error
            return
        finally:
            self._started.set()
        self.loop.run_forever()
        self.loop.close()

    async def _stop_reading(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in self._open:
            connection._pause()

    def _close_all(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._open):
            if connection.transport is not None:
                connection.transport.close()
        self.loop.call_soon(self.loop.stop)
