"""Outer forms of many frames at once: headers, acknowledgements, and profiles to send.

For the listeners (headers, acknowledgements) and the emulator (profiles). Frames and plaintexts
are the same, byte for byte, as those made one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bits import MAX_WIDTH, pack
from .universal_fields import DownKind, UpKind
from .universal_frame import (
    HEADER_BYTES,
    MAX_COUNTER,
    MAX_FRAME_BYTES,
    MIN_FRAME_BYTES,
    VERSION,
    Direction,
    Key,
)
from .universal_messages import MAX_DIGITS_VALUE, MAX_INTERVAL
from .universal_profile import NO_OPENING

__all__ = ["Headers", "Profiles", "acknowledgements", "pack_headers", "profiles", "read_headers"]

_HEADER = np.dtype([("first", "u1"), ("device", ">u8"), ("counter", ">u4")])
_ACKNOWLEDGEMENT = np.dtype(
    [("first", "u1"), ("counter", ">u4"), ("server_time", ">u4"), ("pending", "u1")]
)
_PROFILE = [("first", "u1"), ("address", "u1"), ("base_time", ">u4"), ("step", ">u2")]
_OPENING = [("opening_high", "u1"), ("opening_low", ">u4")]
_LETTER_PLACES = (56, 48, 40)


@dataclass(frozen=True, slots=True, eq=False)
class Headers:
    """Headers of modules' frames. Where `good` is false, `read_header` gives the reason.

    `device`: the eight bytes as one number, highest byte first.
    """

    good: NDArray[np.bool_]
    device: NDArray[np.uint64]
    counter: NDArray[np.int64]
    key: NDArray[np.uint8]


def read_headers(frames: Sequence[bytes]) -> Headers:
    """The headers of frames sent up; a frame sent down is not good here."""
    sizes = np.fromiter(map(len, frames), np.int64, len(frames))
    joined = b"".join([frame[:HEADER_BYTES].ljust(HEADER_BYTES, b"\0") for frame in frames])
    records = np.frombuffer(joined, _HEADER)
    first, device = records["first"], records["device"].astype(np.uint64)
    counter = records["counter"].astype(np.int64)
    key = (first >> 2 & 3).astype(np.uint8)
    good = (sizes >= MIN_FRAME_BYTES) & (sizes <= MAX_FRAME_BYTES)
    good &= (first & 0xF3 == VERSION << 5) & (key <= Key.CLAIM)
    good &= (counter > 0) & (counter <= MAX_COUNTER)
    for place in _LETTER_PLACES:
        letter = device >> np.uint64(place) & np.uint64(0xFF)
        good &= (letter >= ord("A")) & (letter <= ord("Z"))
    return Headers(good, device, counter, key)


def pack_headers(
    direction: Direction,
    key: NDArray[np.uint8],
    device: NDArray[np.uint64],
    counter: NDArray[np.int64],
) -> list[bytes]:
    """Headers to seal under; counters from 1 to 2³¹ − 1."""
    if len(counter) and not 1 <= int(counter.min()) <= int(counter.max()) <= MAX_COUNTER:
        raise ValueError(f"a frame counter is not within 1..{MAX_COUNTER}")
    records = np.empty(len(device), _HEADER)
    records["first"] = VERSION << 5 | direction << 4 | key << 2
    records["device"] = device
    records["counter"] = counter | (direction << 31)
    return _cut(records.tobytes(), HEADER_BYTES)


def acknowledgements(
    counter: NDArray[np.int64],
    server_time: int,
    pending: NDArray[np.uint8],
    flags: NDArray[np.uint8],
) -> list[bytes]:
    """Plaintexts that acknowledge one frame each."""
    records = np.empty(len(counter), _ACKNOWLEDGEMENT)
    records["first"] = flags << 4 | DownKind.ACKNOWLEDGEMENT
    records["counter"] = counter
    records["server_time"] = server_time
    records["pending"] = pending
    return _cut(records.tobytes(), _ACKNOWLEDGEMENT.itemsize)


@dataclass(frozen=True, slots=True, eq=False)
class Profiles:
    """Plain profiles to send: none missing, none negative, ports 0–7, registers 0–31.

    `opening` is None for profiles without an opening register. `values`: rows × count.
    """

    port: NDArray[np.int64]
    register: NDArray[np.int64]
    base_time: NDArray[np.int64]
    interval: int
    opening: NDArray[np.int64] | None
    values: NDArray[np.int64]


def profiles(rows: Profiles) -> list[bytes]:
    """A plaintext with one profile each, packed to its largest increment."""
    _check_profiles(rows)
    largest = rows.values.max(axis=1)
    width = np.zeros(len(largest), np.int64)
    for bit in range(MAX_WIDTH):
        width += largest >= 1 << bit
    heads = _profile_heads(rows, width)
    plaintexts: list[bytes] = [b""] * len(width)
    for bits in np.unique(width).tolist():
        chosen = np.flatnonzero(width == bits)
        head = heads[chosen].view(np.uint8).reshape(len(chosen), -1)
        whole = np.concatenate([head, pack(rows.values[chosen], bits)], axis=1)
        made = _cut(whole.tobytes(), whole.shape[1])
        for place, plaintext in zip(chosen.tolist(), made, strict=True):
            plaintexts[place] = plaintext
    return plaintexts


def _check_profiles(rows: Profiles) -> None:
    bounds = [
        ("a port", rows.port, 0, 7),
        ("a register", rows.register, 0, 31),
        ("a base time", rows.base_time, 60, 0xFFFF_FFFF),
        ("a value", rows.values, 0, (1 << MAX_WIDTH) - 1),
        ("the interval", np.array([rows.interval]), 1, MAX_INTERVAL),
        ("the count", np.array([rows.values.shape[1]]), 1, 255),
    ]
    if rows.opening is not None:
        bounds.append(("an opening register", rows.opening, 0, MAX_DIGITS_VALUE))
    for name, numbers, low, high in bounds:
        if numbers.size and not low <= int(numbers.min()) <= int(numbers.max()) <= high:
            raise ValueError(f"{name} is not within {low}..{high}")
    if bool((rows.base_time % 60).any()):
        raise ValueError("a base time is not a whole minute")


def _profile_heads(rows: Profiles, width: NDArray[np.int64]) -> NDArray[np.void]:
    opening = rows.opening
    layout = np.dtype([*_PROFILE, ("count", "u1"), *([] if opening is None else _OPENING)])
    heads = np.empty(len(width), layout)
    heads["first"] = (NO_OPENING if opening is None else 0) << 4 | UpKind.PROFILE
    heads["address"] = rows.port << 5 | rows.register
    heads["base_time"] = rows.base_time
    heads["step"] = rows.interval << 5 | width
    heads["count"] = rows.values.shape[1]
    if opening is not None:
        heads["opening_high"] = opening >> 32
        heads["opening_low"] = opening & 0xFFFF_FFFF
    return heads


def _cut(whole: bytes, size: int) -> list[bytes]:
    return [whole[at : at + size] for at in range(0, len(whole), size)]
