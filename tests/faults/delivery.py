"""A device's duty: send each frame until it is acknowledged, and believe only authentic answers."""

from __future__ import annotations

import select
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.sealing import open_frame
from ingestion.codecs.universal import decode
from ingestion.codecs.universal_frame import Direction, read_header
from ingestion.codecs.universal_messages import AckFlag, Acknowledgement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.faults.lines import Line
    from tests.faults.load import Device

__all__ = ["Delivery", "Item"]

# A frame is sent again after so many seconds without an answer.
_PATIENCE = 1.5
# No device runs further ahead of its oldest frame without an answer: half of the replay window.
_AHEAD = 30


class Item(NamedTuple):
    """A frame to be delivered; the same one may come several times."""

    device: Device
    counter: int
    frame: bytes


@dataclass(slots=True)
class _Waiting:
    item: Item
    at: float


class Delivery:
    """Sends what `items` gives over `lines`; device n always uses line n modulo their number.

    acknowledged: (device number, counter) → flags of the answer. rate: frames a second at most.
    """

    def __init__(
        self,
        lines: Sequence[Line],
        items: Iterable[Item],
        *,
        in_flight: int = 300,
        rate: float = 1e9,
    ) -> None:
        self.lines = lines
        self.acknowledged: dict[tuple[int, int], int] = {}
        self.sent: dict[tuple[int, int], int] = {}
        self.counts: Counter[str] = Counter()
        self.waiting: dict[tuple[int, int], _Waiting] = {}
        self._items = iter(items)
        self._next: Item | None = None
        self._in_flight = in_flight
        self._rate = rate
        self._began = time.monotonic()
        self._repeat_at = 0.0
        self._devices: dict[bytes, Device] = {}
        self.exhausted = False

    @property
    def copies(self) -> int:
        """Everything sent so far, repeats included."""
        return sum(self.sent.values())

    def run(self, *, seconds: float = 60.0) -> None:
        """Until everything is acknowledged; then the lines are closed."""
        deadline = time.monotonic() + seconds
        while not self.exhausted or self.waiting:
            assert time.monotonic() < deadline, f"{len(self.waiting)} frames without an answer"
            self.turn()
        for line in self.lines:
            line.close()

    def turn(self, *, more: bool = True) -> None:
        """Send what may be sent, take what has come, repeat what is due; waits a moment at most."""
        if more:
            self._fill()
        self._receive(0.01)
        now = time.monotonic()
        if now >= self._repeat_at:
            self._repeat_at = now + _PATIENCE / 4
            self._repeat(now - _PATIENCE)

    def _fill(self) -> None:
        allowed = self._rate * (time.monotonic() - self._began) + 1
        while len(self.waiting) < self._in_flight and self.counts["frames"] < allowed:
            item = self._next or next(self._items, None)
            self._next = item
            if item is None:
                self.exhausted = True
                return
            if self._is_ahead(item):
                return
            self._next = None
            self._send_first(item)

    def _is_ahead(self, item: Item) -> bool:
        oldest = next(iter(self.waiting.values()), None)
        return oldest is not None and item.counter - oldest.item.counter > _AHEAD

    def _send_first(self, item: Item) -> None:
        key = (item.device.number, item.counter)
        self.counts["frames"] += 1
        self._devices[item.frame[1:9]] = item.device
        if key not in self.acknowledged:
            self.waiting.setdefault(key, _Waiting(item, time.monotonic()))
        self._send(item)

    def _send(self, item: Item) -> None:
        key = (item.device.number, item.counter)
        self.sent[key] = self.sent.get(key, 0) + 1
        self.lines[item.device.number % len(self.lines)].send(item.frame)

    def _receive(self, seconds: float) -> None:
        connected = {line.fileno(): line for line in self.lines if line.fileno() >= 0}
        # Not `select`: it takes no descriptor beyond 1,023.
        poll = select.poll()
        for descriptor in connected:
            poll.register(descriptor, select.POLLIN)
        for descriptor, _event in poll.poll(seconds * 1_000):
            for frame in connected[descriptor].receive():
                self._answered(frame)

    def _answered(self, frame: bytes) -> None:
        device = self._devices.get(frame[1:9])
        if device is None:
            self.counts["answers to others"] += 1
            return
        try:
            if read_header(frame).direction is not Direction.DOWN:
                raise DecodeError(0, "sent up")
            messages = decode(open_frame(device.cipher, frame), Direction.DOWN)
        except DecodeError:
            self.counts["false answers"] += 1
            return
        for message in messages:
            if isinstance(message, Acknowledgement):
                key = (device.number, message.counter)
                self.counts["false answers"] += key not in self.sent
                self.counts["answers"] += 1
                before = self.acknowledged.get(key, 0)
                self.acknowledged[key] = before | message.flags & AckFlag.NOT_UNDERSTOOD
                self.waiting.pop(key, None)

    def _repeat(self, before: float) -> None:
        now = time.monotonic()
        for one in self.waiting.values():
            if one.at < before:
                one.at = now
                self.counts["repeated"] += 1
                self._send(one.item)


def rounds(
    devices: Sequence[Device], seal: Callable[[Device, int], bytes], count: int
) -> Iterable[Item]:
    """Frame 1 of every device, then frame 2 and so on."""
    for counter in range(1, count + 1):
        for device in devices:
            yield Item(device, counter, seal(device, counter))
