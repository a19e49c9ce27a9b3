"""Figures of the codec: `python -m tests.ingestion.codecs.bench_universal`.

Microseconds of processor time a frame: the least disturbed of 9 runs of a batch of 5,000 frames
of 24 values.
Each frame belongs to another device with its own key, as in a listener.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingestion.codecs.sealing import open_frame, seal_packed
from ingestion.codecs.universal import decode
from ingestion.codecs.universal_batch import decode_batch
from ingestion.codecs.universal_frame import Direction
from ingestion.codecs.universal_frames import (
    Profiles,
    acknowledgements,
    pack_headers,
    profiles,
    read_headers,
)
from ingestion.codecs.universal_rows import decode_one_by_one

_FRAMES = 5_000
_NOON = 1_767_268_800


def measured(action: Callable[[], object]) -> float:
    """Microseconds of this thread a frame."""
    action()
    runs: list[float] = []
    for _ in range(9):
        start = time.thread_time()
        action()
        runs.append((time.thread_time() - start) / _FRAMES * 1e6)
    return min(runs)


def _profiles(bits: np.ndarray) -> Profiles:
    generator = np.random.default_rng(1)
    values = generator.integers(0, 1 << 31, (_FRAMES, 24)) >> (31 - bits)
    values[:, 0] |= 1 << (bits[:, 0] - 1)
    device = np.arange(_FRAMES)
    zero = np.zeros(_FRAMES, np.int64)
    return Profiles(zero, zero, zero + _NOON, 60, device * 1_000, values)


def figures() -> dict[str, float]:
    equal = _profiles(np.full((_FRAMES, 1), 7))
    mixed = _profiles(np.random.default_rng(2).integers(3, 13, (_FRAMES, 1)))
    plain, plain_mixed = profiles(equal), profiles(mixed)
    aeads = [AESGCM(number.to_bytes(16, "big")) for number in range(_FRAMES)]
    number = np.arange(_FRAMES)
    device = np.uint64(0x52444F << 40) + number.astype(np.uint64)
    key, counter = np.zeros(_FRAMES, np.uint8), number + 1
    heads = pack_headers(Direction.UP, key, device, counter)
    rows = list(zip(aeads, heads, plain, strict=True))
    frames = [seal_packed(*row) for row in rows]
    pairs = list(zip(aeads, frames, strict=True))
    return {
        "open one frame, cached key": measured(lambda: [open_frame(*pair) for pair in pairs]),
        "seal one frame, cached key": measured(lambda: [seal_packed(*row) for row in rows]),
        "make an AESGCM": measured(lambda: [AESGCM(bytes(16)) for _ in aeads]),
        "read headers": measured(lambda: read_headers(frames)),
        "pack headers": measured(lambda: pack_headers(Direction.UP, key, device, counter)),
        "decode_batch, one width": measured(lambda: decode_batch(plain)),
        "decode_batch, ten widths": measured(lambda: decode_batch(plain_mixed)),
        "decode one by one to columns": measured(lambda: decode_one_by_one(plain)),
        "decode one by one": measured(lambda: [decode(one) for one in plain]),
        "acknowledgements": measured(lambda: acknowledgements(counter, _NOON, key, key)),
        "encode profiles, ten widths": measured(lambda: profiles(mixed)),
    }


if __name__ == "__main__":
    for name, value in figures().items():
        sys.stdout.write(f"{name:32} {value:8.3f} µs\n")
