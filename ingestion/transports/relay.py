"""Between engines: frames to the one that works for their devices, answers back.

A stream of messages over TCP (lengths and bytes of `multiprocessing.connection`, nothing pickled).
At its start both sides prove that they have the secret of all engines: the one that was called
sends 32 random bytes, the caller as many and their HMAC, and gets an HMAC back. Frames and answers
are sealed for their devices, so nothing secret passes here in clear. Addresses of devices do: keep
the port inside the network of the servers.

Frames: token, number of the transport, count (>QBI); lengths of payloads (u2) and of sources (u1);
payloads; sources. Answers: token, 1 if given back unread else 0, count (>QBI); places in the
message of frames (u2); lengths (i2, −1: stored, nothing to send); answers.
"""

from __future__ import annotations

import hmac
import logging
import os
import secrets
import socket
import struct
import threading
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import TYPE_CHECKING, Any

import numpy as np

from .intake import Arrival, Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .intake import Intake

__all__ = ["Answered", "RelayLink", "RelayListener", "address_of", "pack_frames", "unpack_frames"]

logger = logging.getLogger(__name__)

_HEAD = struct.Struct(">QBI")
# 5,000 frames of the longest kind and their sources stay below.
_LONGEST = 16 * 1024 * 1024
_NONCE = 32
_HANDSHAKE_SECONDS = 5.0
# Whoever can't prove itself holds a connection for that long; engines are few.
_LINKS = 64
_TROUBLE = (OSError, EOFError, AuthenticationError)


def _proof(secret: bytes, role: bytes, first: bytes, second: bytes) -> bytes:
    return hmac.digest(secret, role + first + second, "sha256")


def _receive(link: Connection, longest: int) -> bytes:
    if not link.poll(_HANDSHAKE_SECONDS):
        raise AuthenticationError("no proof came")
    return link.recv_bytes(longest)


def _admit(link: Connection, secret: bytes) -> None:
    """Our side of a connection that somebody has made to us."""
    ours = secrets.token_bytes(_NONCE)
    link.send_bytes(ours)
    told = _receive(link, 2 * _NONCE)
    theirs, proof = told[:_NONCE], told[_NONCE:]
    if not hmac.compare_digest(proof, _proof(secret, b"caller", ours, theirs)):
        raise AuthenticationError("the caller does not have the secret of the engines")
    link.send_bytes(_proof(secret, b"called", theirs, ours))


def _call(address: str, secret: bytes) -> Connection:
    link: Connection = Client(address_of(address))
    try:
        theirs, ours = _receive(link, _NONCE), secrets.token_bytes(_NONCE)
        link.send_bytes(ours + _proof(secret, b"caller", theirs, ours))
        if not hmac.compare_digest(_receive(link, _NONCE), _proof(secret, b"called", ours, theirs)):
            raise AuthenticationError("the engine called does not have the secret")
    except BaseException:
        link.close()
        raise
    return link


def pack_frames(token: int, transport: int, arrivals: Sequence[Arrival]) -> bytes:
    """One message with frames; token: names it in the answers."""
    payloads = [arrival.payload for arrival in arrivals]
    sources = [arrival.source.encode()[:255] for arrival in arrivals]
    parts = [
        _HEAD.pack(token, transport, len(arrivals)),
        np.fromiter(map(len, payloads), ">u2", len(payloads)).tobytes(),
        np.fromiter(map(len, sources), np.uint8, len(sources)).tobytes(),
    ]
    return b"".join([*parts, *payloads, *sources])


def unpack_frames(message: bytes) -> tuple[int, list[Arrival]]:
    """Number of the transport, and the frames; each one's token is (token, place).

    ValueError when the lengths are not those of the message.
    """
    token, transport, count = _HEAD.unpack_from(message)
    at = _HEAD.size
    lengths = np.frombuffer(message, ">u2", count, at)
    widths = np.frombuffer(message, np.uint8, count, at + 2 * count)
    at += 3 * count
    payloads = _cut(message, at, lengths)
    sources = _cut(message, at + int(lengths.sum()), widths)
    if at + int(lengths.sum()) + int(widths.sum()) != len(message):
        raise ValueError("a message between engines has wrong lengths")
    return transport, [
        Arrival(payload, source.decode(), (token, place))
        for place, (payload, source) in enumerate(zip(payloads, sources, strict=True))
    ]


def _cut(message: bytes, start: int, lengths: NDArray[Any]) -> list[bytes]:
    ends = (start + np.cumsum(lengths, dtype=np.int64)).tolist()
    starts = [start, *ends[:-1]]
    return [message[first:end] for first, end in zip(starts, ends, strict=False)]


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back for frames of one message; places: which ones; answers: None = no bytes."""

    token: int
    given_back: bool
    places: list[int]
    answers: list[bytes | None]

    def pack(self) -> bytes:
        lengths = [-1 if answer is None else len(answer) for answer in self.answers]
        parts = [
            _HEAD.pack(self.token, self.given_back, len(self.places)),
            np.array(self.places, ">u2").tobytes(),
            np.array(lengths, ">i2").tobytes(),
        ]
        return b"".join([*parts, *(answer or b"" for answer in self.answers)])

    @classmethod
    def unpack(cls, message: bytes) -> Answered:
        token, given_back, count = _HEAD.unpack_from(message)
        at = _HEAD.size
        places = np.frombuffer(message, ">u2", count, at)
        lengths = np.frombuffer(message, ">i2", count, at + 2 * count)
        texts = _cut(message, at + 4 * count, np.maximum(lengths, 0))
        answers = [
            text if length >= 0 else None
            for text, length in zip(texts, lengths.tolist(), strict=True)
        ]
        return cls(token, bool(given_back), places.tolist(), answers)


def _hang_up(link: Connection) -> None:
    """Wake the thread that reads; it closes. Closing under it would leave it waiting."""
    with suppress(OSError), socket.socket(fileno=os.dup(link.fileno())) as same:
        same.shutdown(socket.SHUT_RDWR)


def address_of(text: str) -> tuple[str, int]:
    """Host and port of an address such as 127.0.0.1:4711 or [::1]:4711."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


class _Peer:
    """Another engine that hands frames on to us; one object for each of its transports."""

    def __init__(self, link: Connection, sending: threading.Lock, code: int) -> None:
        self.code = code
        self._link = link
        self._sending = sending

    def acknowledge(self, arrivals: Sequence[Arrival], answers: Sequence[bytes | None]) -> None:
        found: defaultdict[int, tuple[list[int], list[bytes | None]]] = defaultdict(
            lambda: ([], [])
        )
        for arrival, answer in zip(arrivals, answers, strict=True):
            token, place = arrival.token
            found[token][0].append(place)
            found[token][1].append(answer)
        for token, (places, texts) in found.items():
            self._send(Answered(token, False, places, texts))

    def give_back(self, arrivals: Sequence[Arrival]) -> None:
        """They are of devices that we do not work for."""
        places: defaultdict[int, list[int]] = defaultdict(list)
        for arrival in arrivals:
            token, place = arrival.token
            places[token].append(place)
        for token, mine in places.items():
            self._send(Answered(token, True, mine, [None] * len(mine)))

    def _send(self, answered: Answered) -> None:
        # An engine that has gone asks again, or its devices do.
        with self._sending, suppress(OSError):
            self._link.send_bytes(answered.pack())


class RelayListener:
    """Where other engines hand frames on to us. They do not wait for room in the intake: each
    engine holds what it handed on against the limit of its own."""

    def __init__(self, intake: Intake, *, host: str, secret: bytes, port: int = 0) -> None:
        self.intake = intake
        self.received = 0
        self._secret = secret
        self._listener = Listener((host, port), "AF_INET6" if ":" in host else "AF_INET")
        self._links: set[Connection] = set()
        self._closed = False
        self._thread = threading.Thread(target=self._accept, name="relay", daemon=True)

    @property
    def address(self) -> str:
        host, port = self._listener.address[:2]
        return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        # Wakes the thread that waits for a connection.
        with suppress(*_TROUBLE):
            Client(self._listener.address).close()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)
        self._listener.close()
        for link in list(self._links):
            _hang_up(link)

    def _accept(self) -> None:
        while not self._closed:
            with suppress(*_TROUBLE):
                link = self._listener.accept()
                if self._closed or len(self._links) >= _LINKS:
                    link.close()
                    continue
                self._links.add(link)
                threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: Connection) -> None:
        peers: dict[int, _Peer] = {}
        sending = threading.Lock()
        try:
            _admit(link, self._secret)
            while not self._closed:
                code, arrivals = unpack_frames(link.recv_bytes(_LONGEST))
                peer = peers.setdefault(code, _Peer(link, sending, code))
                self.received += len(arrivals)
                if not self.intake.put_beyond(peer, arrivals):
                    peer.give_back(arrivals)
        except (*_TROUBLE, ValueError, struct.error) as error:
            logger.info("another engine is gone: %s", error or type(error).__name__)
        finally:
            self._links.discard(link)
            with suppress(OSError):
                link.close()


@dataclass(slots=True, eq=False)
class RelayLink:
    """Our way to one engine. Made connected; when it is lost, `on_lost` gets what was not answered.

    Both are called from the link's own thread.
    """

    address: str
    secret: bytes
    on_answers: Callable[[Batch, Answered], None]
    on_lost: Callable[[RelayLink, list[Batch]], None]
    _link: Connection = field(init=False)
    _waiting: dict[int, tuple[Batch, set[int]]] = field(default_factory=dict)
    _token: int = 0
    _changing: threading.Lock = field(default_factory=threading.Lock)
    _lost: bool = False

    def __post_init__(self) -> None:
        """Raises OSError, EOFError or AuthenticationError."""
        self._link = _call(self.address, self.secret)
        threading.Thread(target=self._read, name=f"relay {self.address}", daemon=True).start()

    def send(self, batch: Batch, transport: int) -> bool:
        """Hand a batch on; False: the link is lost, and the batch is still the caller's."""
        with self._changing:
            if self._lost:
                return False
            self._token += 1
            self._waiting[self._token] = (batch, set(range(len(batch.arrivals))))
            message = pack_frames(self._token, transport, batch.arrivals)
        # A failure is seen by the thread that reads, too: it then gives everything back.
        with suppress(OSError):
            self._link.send_bytes(message)
        return True

    def close(self) -> None:
        """Everything not answered is given back."""
        _hang_up(self._link)

    def _read(self) -> None:
        try:
            while True:
                self._take(Answered.unpack(self._link.recv_bytes(_LONGEST)))
        except (*_TROUBLE, ValueError, TypeError, struct.error) as error:
            logger.info("the way to engine %s is lost: %s", self.address, error)
        with self._changing:
            self._lost = True
            left = [self._rest(*pair) for pair in self._waiting.values()]
            self._waiting.clear()
        with suppress(OSError):
            self._link.close()
        self.on_lost(self, left)

    def _take(self, answered: Answered) -> None:
        with self._changing:
            batch, places = self._waiting[answered.token]
            places.difference_update(answered.places)
            if not places:
                del self._waiting[answered.token]
        self.on_answers(batch, answered)

    @staticmethod
    def _rest(batch: Batch, places: set[int]) -> Batch:
        arrivals = [batch.arrivals[place] for place in sorted(places)]
        return Batch(batch.transport, arrivals, batch.first_at)
