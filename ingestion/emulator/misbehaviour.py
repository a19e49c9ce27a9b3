"""What a fleet does wrong, by option: `loss=0.1,dup=0.05,drift=40`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from random import Random

__all__ = ["Misbehaviour", "Mischief"]


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """Shares of frames (0 to 1), but drift.

    loss: lost on the way, answers too; dup: sent twice; reorder: overtaken by later ones; corrupt:
    a bit turned round; wrong_key: sealed with another key; unknown: accompanied by a frame of a
    device that nobody entered. drift: seconds that a clock is off at the start, at most, and gains
    a day. reset, exchange: share of reports before which a register begins anew, or another meter
    comes. gap: share of reports that are remembered, but not sent unless the server asks for them.
    """

    loss: float = 0.0
    dup: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0
    wrong_key: float = 0.0
    unknown: float = 0.0
    drift: float = 0.0
    reset: float = 0.0
    exchange: float = 0.0
    gap: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Misbehaviour:
        """From `name=number` with commas between; ValueError says what is wrong."""
        known = {field.name for field in fields(cls)}
        given: dict[str, float] = {}
        for part in filter(None, (one.strip() for one in text.split(","))):
            name, _, number = part.partition("=")
            if name not in known:
                raise ValueError(f"{name!r} is none of {', '.join(sorted(known))}")
            value = float(number)
            if value < 0 or (name != "drift" and value > 1):
                raise ValueError(f"{part!r} is not a share from 0 to 1")
            given[name] = value
        return cls(**given)


class Mischief:
    """Turns each frame to be sent into the datagrams that leave. The same seed does the same."""

    def __init__(self, rules: Misbehaviour, seed: int = 0) -> None:
        self.rules = rules
        self.random = Random(seed)  # noqa: S311 - repeatable on purpose
        self.counts: dict[str, int] = {}
        self._held: list[tuple[int, bytes]] = []
        self._quiet = rules == Misbehaviour()

    def outgoing(self, row: int, frame: bytes) -> list[tuple[int, bytes]]:
        """(module, bytes) that are sent now in place of one frame."""
        if self._quiet:
            return [(row, frame)]
        sent: list[tuple[int, bytes]] = []
        if self._happens("unknown", self.rules.unknown):
            sent.append((row, self._stranger(frame)))
        if self._happens("wrong_key", self.rules.wrong_key):
            # The tag of another key looks like noise; the frame itself follows with the next try.
            sent.append((row, frame[:-12] + self.random.randbytes(12)))
        elif self._happens("corrupt", self.rules.corrupt):
            sent.append((row, self._turned(frame)))
        elif not self._happens("loss", self.rules.loss):
            twice = 2 if self._happens("dup", self.rules.dup) else 1
            if self._happens("reorder", self.rules.reorder):
                self._held += [(row, frame)] * twice
                return sent
            sent += [(row, frame)] * twice
        if self._held and self.random.random() < 0.3:
            sent += self.release()
        return sent

    def incoming(self, answers: list[bytes]) -> list[bytes]:
        """The answers that arrive."""
        if not self.rules.loss:
            return answers
        return [one for one in answers if not self._happens("answer lost", self.rules.loss)]

    def release(self) -> list[tuple[int, bytes]]:
        """Frames that were held back, in any order."""
        held, self._held = self._held, []
        self.random.shuffle(held)
        return held

    def _happens(self, name: str, share: float) -> bool:
        if not share or self.random.random() >= share:
            return False
        self.counts[name] = self.counts.get(name, 0) + 1
        return True

    def _turned(self, frame: bytes) -> bytes:
        place = self.random.randrange(len(frame) * 8)
        changed = bytearray(frame)
        changed[place >> 3] ^= 1 << (place & 7)
        return bytes(changed)

    def _stranger(self, frame: bytes) -> bytes:
        number = 0xFF_0000_0000 | self.random.randrange(100)
        return frame[:4] + number.to_bytes(5, "big") + frame[9:]
