"""What is sent back once a batch is stored: acknowledgements, new keys and commands behind them.

Every frame downward has a counter never used before under its key. Each device counts on from a
common floor; counters are reserved for all devices together, a thousand ahead, and the reservation
is committed before the first of them is used. A new engine starts above all that were reserved, and
not below the seconds since 2020, so that a database put back from a backup repeats none either.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from ingestion.codecs.sealing import seal_packed
from ingestion.codecs.universal import encode
from ingestion.codecs.universal_batch import decode_batch
from ingestion.codecs.universal_frame import Direction, Key
from ingestion.codecs.universal_frames import acknowledgements, pack_headers
from ingestion.codecs.universal_messages import AckFlag, NewKey
from ingestion.downlink import Downlink
from ingestion.models import Reason
from ingestion.registry import Flag
from ingestion.replay_windows import sent_reserve
from ingestion.services.keys import claim_offer, module_key_confirm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.downlink.sending import Leaving
    from ingestion.pipeline import Known, Work
    from ingestion.registry import Devices

    Ints = NDArray[np.int64]

__all__ = ["Answers"]

_EPOCH = 1_577_836_800
# A start of the engine uses up so many counters of every device; there are two thousand million.
_RESERVED = 1_024


class Answers:
    """Makes the answers of batches, frame by frame in the order of receipt."""

    def __init__(self, downlink: Downlink | None = None) -> None:
        self._floor = 0
        self._end = 0
        self._downlink = Downlink() if downlink is None else downlink
        # Commands in the answers made last, until they have left.
        self._leaving: Leaving | None = None

    def begin(self) -> None:
        """The engine has taken up its work: pass every counter that may have been used."""
        self._floor = sent_reserve(least=int(time.time()) - _EPOCH, count=_RESERVED)
        self._end = self._floor + _RESERVED

    def _counters(self, row: Ints, devices: Devices) -> Ints:
        counter = devices.next_down(row, self._floor)
        missing = int(counter.max()) + 1 - self._end
        if missing > 0:
            # Other engines reserve meanwhile, for devices of theirs: what we use need only lie below
            # all that is reserved, above which whoever takes over our devices begins.
            self._end = sent_reserve(least=self._end, count=missing + _RESERVED)
            self._end += missing + _RESERVED
        return counter

    def make(self, work: Work, known: Known) -> list[bytes | None]:
        """An answer for each frame of the batch that is stored now or was before; else None.

        When they have left, `left` is to be called.
        """
        self._leaving = None
        answers: list[bytes | None] = [None] * len(work)
        frames = np.sort(np.concatenate([work.new, work.repeated]))
        if not len(frames):
            return answers
        now = int(time.time())
        more, silent = self._more(work, frames, known)
        frames = frames[~np.isin(frames, silent)]
        if not len(frames):
            return answers
        flags = np.zeros(len(frames), np.uint8)
        flags[np.isin(frames, _not_understood(work))] = AckFlag.NOT_UNDERSTOOD
        pending = np.zeros(len(frames), np.uint8)
        self._leaving = self._downlink.choose(work, frames, known.devices, time.time())
        if self._leaving is not None:
            self._leaving.join(frames, more, flags, pending)
        plain = acknowledgements(work.counter[frames], now, pending, flags)
        counter = self._counters(work.row[frames], known.devices)
        selector = work.selector[frames]
        headers = pack_headers(Direction.DOWN, selector, work.device[frames], counter)
        ciphers = known.ciphers.of(known.devices, work.row[frames], selector)
        for frame, cipher, header, text in zip(
            frames.tolist(), ciphers, headers, plain, strict=True
        ):
            if cipher is not None:
                answers[frame] = seal_packed(cipher, header, text + more.get(frame, b""))
        return answers

    def left(self) -> None:
        """The answers made last were handed to the transport."""
        if self._leaving is not None:
            self._downlink.mark(self._leaving, time.time())

    def _more(self, work: Work, frames: Ints, known: Known) -> tuple[dict[int, bytes], list[int]]:
        """New keys: the answer to a claim, and keys offered to those that use the other one.

        And the frames that get no answer: under an offered key that was taken back.
        """
        flags = known.devices.flags[work.row[frames]]
        offered = flags & np.uint8(Flag.OFFERED | Flag.OFFERED << 1)
        found: dict[int, bytes] = {}
        silent: list[int] = []
        for frame in frames[offered != 0].tolist():
            given = _rotation(work, frame, known)
            if given is None:
                silent.append(frame)
            else:
                found[frame] = given
        again = set(work.repeated.tolist())
        for frame, nonce in work.claims.items():
            if work.reason_of(frame) is None:
                found[frame] = _claimed(work, frame, nonce, known, again=frame in again)
        return found, silent


def _not_understood(work: Work) -> list[int]:
    """Frames that are authentic but say nothing; repeated ones are looked into again for this."""
    refused = np.flatnonzero(work.reason).tolist()
    found = [frame for frame in refused if work.reason_of(frame) is Reason.UNDECODABLE]
    repeated = work.repeated.tolist()
    errors = decode_batch([work.opened[frame] for frame in repeated]).errors
    return found + [repeated[place] for place, _error in errors]


def _rotation(work: Work, frame: int, known: Known) -> bytes | None:
    """The key under the selector that is not in use; one that is used now is in use from now on.

    None: the key that is used now counts no more, which the registry does not know yet.
    """
    row, selector = int(work.row[frame]), int(work.selector[frame])
    if selector == Key.CLAIM:
        return b""
    flags = int(known.devices.flags[row])
    if flags & Flag.OFFERED << selector:
        module, used = int(known.devices.module[row]), known.devices.key(row, selector)
        if used is None or not module_key_confirm(module_id=module, selector=selector, key=used):
            return None
        known.devices.flags[row] = flags & ~(Flag.OFFERED << selector)
        return b""
    other = int(Key(selector).other)
    key = known.devices.key(row, other)
    if key is None or not flags & Flag.OFFERED << other:
        return b""
    return encode([NewKey(Key(other), key)], Direction.DOWN)


def _claimed(work: Work, frame: int, nonce: bytes, known: Known, *, again: bool) -> bytes:
    module = int(known.devices.module[int(work.row[frame])])
    key = claim_offer(module_id=module, at=datetime.now(UTC), again=again)
    if key is None:
        return b""
    return encode([NewKey(Key.A, key, nonce)], Direction.DOWN)
