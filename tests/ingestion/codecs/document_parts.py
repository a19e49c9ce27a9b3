"""The parts of docs/protocol.md that come from the code: worked examples and sizes."""

from __future__ import annotations

import re

from ingestion.codecs.universal_frame import Direction, Key

from .make_vectors import DEVICE, KEYS, frame_of, plaintext_of
from .vectors_good import GOOD, Good
from .vectors_sizes import entropy_bytes, sizes

__all__ = ["EXAMPLES", "filled"]

_ADDRESS = (1, "port 0 (3 bits), register 0 (5 bits)")
_BASE = (4, "base time 1 767 225 600 = 2026-01-01 00:00:00 UTC")
# Marker: name of the vector, and the meaning of its plaintext, byte by byte.
EXAMPLES: dict[str, tuple[str, list[tuple[int, str]]]] = {
    "example-profile": (
        "24 hourly water readings: 60 bytes",
        [
            (1, "kind 1 (interval profile), no flags"),
            _ADDRESS,
            _BASE,
            (2, "interval 60 minutes (11 bits: 0x03C), width 7 bits (5 bits)"),
            (1, "count 24"),
            (5, "opening register 123 456 789"),
            (21, "24 increments of 7 bits: 0, 0, 6, 0, 0, 3, 41, 77, 30, 9, …"),
        ],
    ),
    "example-missing": (
        "signed with missing values and quality",
        [
            (1, "kind 1, flags 0011: missing bitmap (bit 0), options byte (bit 1)"),
            _ADDRESS,
            _BASE,
            (2, "interval 60 minutes, width 4 bits"),
            (1, "count 3"),
            (1, "options: increments are signed (bit 7), recovered (bit 4)"),
            (5, "opening register 123 456"),
            (1, "missing bitmap 010 and five spare bits: the second value is missing"),
            (2, "zigzag 10, 0, 3 in 4 bits each (1010 0000 0011), four spare bits: 5, none, −2"),
        ],
    ),
    "example-claim-hello": (
        "claim 1: hello under the claim key",
        [
            (1, "kind 4 (hello), flags 0011: claim (bit 0), just restarted (bit 1)"),
            (4, "clock 0: never set"),
            (4, "uptime 12 s"),
            (3, "firmware 1.4.2"),
            (2, "battery 3 620 mV"),
            (1, "signal −80 dBm"),
            (2, "capabilities: key rotation (bit 4)"),
            (2, "configuration version 0: none yet"),
            (8, "claim nonce, random, of this claim"),
        ],
    ),
    "example-claim-answer": (
        "claim 2: the server gives key A",
        [
            (1, "kind 1 (acknowledgement), no flags"),
            (4, "frame 1 is stored"),
            (4, "server time 1 767 268 800 = 2026-01-01 12:00:00 UTC"),
            (1, "no other requests wait"),
            (1, "kind 5 (new key), flags 0010: for selector A, answers a claim"),
            (16, "the new key A"),
            (8, "the claim nonce, repeated"),
        ],
    ),
    "example-command": (
        "close the valve",
        [
            (1, "kind 1 (acknowledgement), no flags"),
            (4, "frame 1 is stored"),
            (4, "server time 1 767 268 800 = 2026-01-01 12:00:00 UTC"),
            (1, "no other requests wait"),
            (1, "kind 2 (command)"),
            (2, "request id 77"),
            (1, "opcode 2: close the valve"),
            (4, "valid until 1 767 355 200 = 2026-01-02 12:00:00 UTC"),
            (1, "no parameters"),
        ],
    ),
}


def filled(text: str) -> str:
    """The document with every marked part replaced by what the code says."""
    for name, part in _parts().items():
        pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.S)
        text, found = pattern.subn(lambda match, part=part: match[1] + part + match[2], text)
        if found != 1:
            raise ValueError(f"docs/protocol.md has {found} places for {name}, not 1")
    return text


def _parts() -> dict[str, str]:
    named = {row.name: row for row in GOOD}
    examples = {
        marker: _example(named[name], meanings) for marker, (name, meanings) in EXAMPLES.items()
    }
    return {**examples, "sizes": _sizes()}


def _example(good: Good, meanings: list[tuple[int, str]]) -> str:
    plaintext = plaintext_of(good)
    frame = frame_of(plaintext, good.direction, good.key, good.counter)
    if sum(size for size, _ in meanings) != len(plaintext):
        raise ValueError(f"the explanation of {good.name!r} does not cover its bytes")
    lines = [
        f"Sealed with key {good.key.name} = `{KEYS[good.key].hex()}`; {len(frame)} bytes in all.",
        "",
        "| bytes of the frame | meaning |",
        "|---|---|",
        *(f"| `{part.hex(' ')}` | {meaning} |" for part, meaning in _header_parts(good, frame)),
        f"| `{frame[13:-12].hex(' ')}` | ciphertext of the plaintext below |",
        f"| `{frame[-12:].hex(' ')}` | tag |",
        "",
        "| bytes of the plaintext | meaning |",
        "|---|---|",
    ]
    at = 0
    for size, meaning in meanings:
        lines.append(f"| `{plaintext[at : at + size].hex(' ')}` | {meaning} |")
        at += size
    return "\n".join(lines) + "\n"


def _header_parts(good: Good, frame: bytes) -> list[tuple[bytes, str]]:
    down = good.direction is Direction.DOWN
    key = {Key.A: "key A", Key.B: "key B", Key.CLAIM: "claim key"}[good.key]
    way = "to the module" if down else "from the module"
    number = int.from_bytes(DEVICE[3:], "big")
    bit = " and the direction bit" if down else ""
    return [
        (frame[:1], f"version 1, {way}, {key}"),
        (frame[1:9], f"device id: maker RDO, number {number}"),
        (frame[9:13], f"frame counter {good.counter}{bit}"),
    ]


def _sizes() -> str:
    rows = sizes()
    smallest = rows[0][2]
    lines = [
        "| the same 24 hourly readings | payload | with authentication | times |",
        "|---|---|---|---|",
        *(
            f"| {name} | {payload} | {whole} | {whole / smallest:.1f} |"
            for name, payload, whole in rows
        ),
        "",
        f"The entropy of 24 such values is **{entropy_bytes():.1f} bytes**: no code can do better",
        "on average. Bit packing takes 21, and in exchange every value stands at a place that is",
        "known from the header alone, so that a server reads thousands of frames at once.",
    ]
    return "\n".join(lines) + "\n"
