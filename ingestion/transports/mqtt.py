"""MQTT through a broker: QoS 1, a message is acknowledged once its frame is stored.

A session for each topic shard (`mqtt_topics`), all of them in one thread. While the intake is full
nothing is read, and soon the sessions are left: the broker is the queue. The broker hides where a
frame came from: `source` is "", and the networks of a company can't be enforced. A frame on another
device's topic is acknowledged, so that it does not come again, counted and thrown away.
"""

from __future__ import annotations

import io
import logging
import os
import select
import sys
import threading
import time
from collections import Counter, defaultdict, deque
from contextlib import suppress
from typing import TYPE_CHECKING

from .mqtt_packets import publish_packet
from .mqtt_session import BrokerAddress, ForeignSession, Link, Session
from .mqtt_topics import SHARDS, down_topic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .intake import Arrival, Intake

__all__ = ["BrokerListener"]

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.25
# A full intake is asked again after so long.
_FULL_SECONDS = 0.005
_STUMBLE_SECONDS = 1.0
_FULL = "no more can be taken, the database is slow or away"
_ONE = (1).to_bytes(8, sys.byteorder)
_IN = select.POLLIN | select.POLLHUP | select.POLLERR


class BrokerListener:
    """Takes the messages of some shards into the intake and publishes the answers.

    secret: a part of the client ids, the same in every worker of an installation (15 letters and
    digits at most; MQTT 3.1.1 promises 23 for the whole). topics: filters of foreign messages.
    answer_qos: 1 has the broker keep answers for devices that are away, and store each of them.
    patience: seconds that nothing may be read before the sessions are left until something can be.
    """

    def __init__(
        self,
        intake: Intake,
        address: BrokerAddress,
        *,
        secret: str,
        shards: str = SHARDS,
        topics: tuple[str, ...] = (),
        answer_qos: int = 0,
        patience: float = 5.0,
    ) -> None:
        self.intake = intake
        self.address = address
        self.shards = shards
        self.topics = topics
        # Its number in the raw frames, set by whoever opens it.
        self.code = 0
        self.received = 0
        self.refused: Counter[str] = Counter()
        self.stumbled = 0
        self.sessions = [
            Session(address, shard=shard, client_id=f"readout{shard}{secret}", refused=self.refused)
            for shard in shards
        ]
        if topics:
            client_id = f"readout-{secret}"
            self.sessions.append(
                ForeignSession(address, filters=topics, client_id=client_id, refused=self.refused)
            )
        self._answer_qos = answer_qos
        self._patience = patience
        self._read_at = time.monotonic()
        self._message_id = 0
        self._gathered: list[Arrival] = []
        self._outbox: deque[dict[Link, bytes]] = deque()
        self._reading = True
        self._closing = False
        self._told: str | None = None
        # A file object, so that waking after `close` can't hit a descriptor used anew.
        self._wake = io.FileIO(os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC), "r+")
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def subscribed(self) -> int:
        """Shards whose subscription the broker has granted."""
        return sum(session.granted for session in self.sessions if session.shard)

    @property
    def subscribed_topics(self) -> bool:
        """Whether the foreign topics are collected."""
        return any(session.granted for session in self.sessions if not session.shard)

    @property
    def trouble(self) -> str:
        """Why a shard is not collected now; "" when all are."""
        return next((s.trouble for s in self.sessions if not s.granted and s.trouble), "")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Read no more; answers can still be sent until `close`."""
        self._reading = False
        self._wake_up()

    def close(self) -> None:
        """Send what waits and take leave."""
        self._closing = True
        self._wake_up()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)
        self._wake.close()

    def acknowledge(self, arrivals: Sequence[Arrival], answers: Sequence[bytes | None]) -> None:
        """Every message is acknowledged: what is refused would be refused again."""
        written: defaultdict[Link, list[bytes]] = defaultdict(list)
        for (payload, _, (link, acknowledgement)), answer in zip(arrivals, answers, strict=True):
            parts = written[link]
            parts.append(acknowledgement)
            if answer is not None:
                parts.append(publish_packet(down_topic(payload[1:9]), answer, self._next_id()))
        self._outbox.append({link: b"".join(parts) for link, parts in written.items()})
        self._wake_up()

    def _next_id(self) -> int | None:
        if not self._answer_qos:
            return None
        self._message_id = self._message_id % 0xFFFF + 1
        return self._message_id

    def _wake_up(self) -> None:
        with suppress(ValueError):
            self._wake.write(_ONE)

    def _run(self) -> None:
        while not self._closing:
            try:
                self._turn()
            except Exception:
                # A fault of ours must not end collection: connect anew, the broker sends again.
                logger.exception("the MQTT listener stumbled; it connects again")
                self.stumbled += 1
                self._gathered.clear()
                for session in self.sessions:
                    session.drop("a fault of the server", time.monotonic())
                time.sleep(_STUMBLE_SECONDS)
        self._send()
        for session in self.sessions:
            session.close()

    def _turn(self) -> None:
        now, reads = time.monotonic(), self._reads()
        if reads or not self._reading:
            self._read_at = now
        if now - self._read_at > self._patience:
            self._hang_up()
        else:
            self._tend(now)
        self._tell()
        ready = self._wait(reads=reads)
        now = time.monotonic()
        for session in self.sessions:
            stream = session.stream
            if stream is not None and stream.fileno() in ready:
                self._take(session.read(now))
        self._put()
        self._send()

    def _tend(self, now: float) -> None:
        for session in self.sessions:
            if not session.tend(now):
                # The others would wait for the same broker.
                break

    def _hang_up(self) -> None:
        """Unread messages would come a second time, and a third: broker, keep them for now."""
        for session in self.sessions:
            session.close(_FULL)

    def _reads(self) -> bool:
        return self._reading and not self._gathered and self.intake.room() > 0

    def _wait(self, *, reads: bool) -> set[int]:
        """Descriptors with something to read; an answer that is to be sent ends the waiting."""
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        for session in self.sessions:
            if (stream := session.stream) is not None:
                # Whoever is not yet subscribed is read in any case: no frame can come.
                wanted = select.POLLIN if reads or not session.granted else 0
                poll.register(stream, wanted | (select.POLLOUT if stream.unsent else 0))
        pause = _POLL_SECONDS if reads or not self._reading else _FULL_SECONDS
        ready = {descriptor for descriptor, event in poll.poll(1_000 * pause) if event & _IN}
        if self._wake.fileno() in ready:
            self._wake.read(len(_ONE))
        return ready

    def _tell(self) -> None:
        """Log a trouble once, and its end."""
        trouble = self.trouble
        if trouble and trouble != self._told:
            logger.warning("MQTT broker %s: %s; it is tried again", self.address, trouble)
        elif not trouble and all(one.granted for one in self.sessions) and self._told != "":
            logger.info("collecting from MQTT broker %s", self.address)
        else:
            return
        self._told = trouble

    def _take(self, arrivals: list[Arrival]) -> None:
        self.received += len(arrivals)
        self._gathered += arrivals

    def _put(self) -> None:
        if not self._gathered:
            return
        if self.intake.put(self, self._gathered, timeout=0.0) or self.intake.closed:
            self._gathered = []

    def _send(self) -> None:
        links = {session.link: session for session in self.sessions}
        while self._outbox:
            for link, data in self._outbox.popleft().items():
                session = links.get(link)
                if session is not None and session.stream is not None:
                    session.stream.write(data)
        for session in self.sessions:
            if session.stream is not None:
                session.stream.flush()
