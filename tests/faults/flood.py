"""Garbage over UDP from a thousand addresses: `python -m tests.faults.flood PORT RATE SEED FILE DEVICE…`.

A third is noise, a third well-formed frames of devices that nobody knows, a third names the given
devices (hex) without their key. `FILE` holds how many were sent. Ends with standard input.
"""

from __future__ import annotations

import contextlib
import random
import select
import socket
import sys
import time
from pathlib import Path

_SOURCES = 1_000
_BURST = 50


def frame(noise: random.Random, devices: list[bytes]) -> bytes:
    """One datagram that is worth nothing."""
    kind = noise.randrange(3)
    if kind == 0:
        return noise.randbytes(noise.randrange(1, 200))
    device = noise.choice(devices) if kind == 2 else b"ZZZ" + noise.randbytes(5)
    counter = noise.randrange(1, 1 << 31).to_bytes(4, "big")
    return b"\x20" + device + counter + noise.randbytes(noise.randrange(13, 80))


def sockets(count: int) -> list[socket.socket]:
    """Bound to addresses of 127/8 in networks of their own, none of them 127.0."""
    made = []
    for number in range(count):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind((f"127.{1 + number % 200}.{number // 200}.{1 + number % 250}", 0))
        made.append(one)
    return made


def main(port: int, rate: float, seed: int, told: Path, devices: list[bytes]) -> None:
    noise, sent, began = random.Random(seed), 0, time.monotonic()
    sources = sockets(_SOURCES)
    while not select.select([sys.stdin], [], [], 0.001)[0]:
        due = min(int((time.monotonic() - began) * rate) - sent, 20 * _BURST)
        for _ in range(due):
            with contextlib.suppress(OSError):
                noise.choice(sources).sendto(frame(noise, devices), ("127.0.0.1", port))
                sent += 1
        told.write_text(str(sent))
    told.write_text(str(sent))


if __name__ == "__main__":
    main(
        int(sys.argv[1]),
        float(sys.argv[2]),
        int(sys.argv[3]),
        Path(sys.argv[4]),
        [bytes.fromhex(text) for text in sys.argv[5:]],
    )
